"""MLflow's experiments, made when the first run needs them, and what is found in one."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.store import artifact_folder, is_server
from fewshot_bench.tracking.views import VIEW_TAG, view_state

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# MLflow's pages then open on runs and curves, not on chats and traces, and have our table.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development", VIEW_TAG: view_state()}
_QUOTABLE = re.compile(r"[\w.-]*", re.ASCII)  # MLflow's filters have no escape for quotes


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """Return the id of an experiment, made if need be.

    Args:
        client: of the store.
        uri: of the store; where the artifacts of a new experiment lie, a server knows itself.
        name: of the experiment.

    Raises:
        UsageError: it was deleted.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        location = None if is_server(uri) else artifact_folder(uri).as_uri()
        # Another process may make it at the same moment.
        with suppress(MlflowException):
            return str(client.create_experiment(name, location, EXPERIMENT_TAGS))
        experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        number = experiment.experiment_id if experiment else "ID"
        raise UsageError(
            f"the experiment '{name}' cannot be written; if it was deleted, get it back "
            f"with 'mlflow experiments restore -x {number}'"
        )
    if VIEW_TAG not in experiment.tags:  # made by an earlier version
        client.set_experiment_tag(experiment.experiment_id, VIEW_TAG, EXPERIMENT_TAGS[VIEW_TAG])
    return str(experiment.experiment_id)


def runs_with(
    client: "MlflowClient", experiment: str, status: str, tags: Mapping[str, str]
) -> "list[Run]":
    """Find runs of an experiment, by its name, that have a status and tags."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    plain = {k: v for k, v in tags.items() if _QUOTABLE.fullmatch(v)}
    wanted = " and ".join(
        [
            f"attributes.status = '{status}'",
            *(f"tags.`{tag}` = '{value}'" for tag, value in plain.items()),
        ]
    )
    runs = client.search_runs([found.experiment_id], wanted)
    return [run for run in runs if tags.items() <= run.data.tags.items()]
