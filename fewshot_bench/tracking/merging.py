"""Runs that two machines made at one moment for the same thing, put together.

No store has a lock that all machines share, nor a unique tag. So whoever makes a row looks again:
of several the oldest is kept, all machines agree which that is, and each step here may be repeated,
or be taken by two of them at once.
"""

import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fewshot_bench.tracking.log import log_values, set_tags
from fewshot_bench.tracking.place import PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

_MLFLOWS = "mlflow."  # tags


def merge(client: "MlflowClient", kept: "Run", others: "Sequence[Run]") -> None:
    """Give all that several runs have, and the runs below them, to one, and delete them.

    What both have stays as it is in the one that is kept; of a metric all points are there.

    Args:
        client: of the store.
        kept: the run that stays.
        others: those that are deleted; MLflow can restore them.
    """
    for other in others:
        _hand_over(client, other, kept)
        client.delete_run(other.info.run_id)


def is_deleted(client: "MlflowClient", run_id: str) -> bool:
    """Whether a run was deleted, as another machine does with one that it merged."""
    return str(client.get_run(run_id).info.lifecycle_stage) == "deleted"


def _hand_over(client: "MlflowClient", other: "Run", kept: "Run") -> None:
    source, target = other.info.run_id, kept.info.run_id
    log_values(client, target, _points(client, other))
    known = {k: v for k, v in other.data.tags.items() if not k.startswith(_MLFLOWS)}
    set_tags(client, target, {k: v for k, v in known.items() if k not in kept.data.tags})
    below = client.search_runs([other.info.experiment_id], f"tags.`{PARENT}` = '{source}'")
    for run in below:
        client.set_tag(run.info.run_id, PARENT, target)
    if client.list_artifacts(source):
        with tempfile.TemporaryDirectory() as folder:
            client.log_artifacts(target, client.download_artifacts(source, "", folder))


def _points(client: "MlflowClient", run: "Run") -> "list[Metric]":
    names = run.data.metrics
    return [point for name in names for point in client.get_metric_history(run.info.run_id, name)]
