"""All of a finished run, written to one of MLflow's that is open."""

from typing import TYPE_CHECKING

from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.log import (
    log_artifacts,
    log_inputs,
    log_metrics,
    log_predictions,
    log_tags,
    log_weights,
)
from fewshot_bench.tracking.models import Pack, log_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


def write_run(
    client: "MlflowClient", run_id: str, record: RunRecord, finished: int, pack: Pack | None
) -> None:
    """Write a run to its end; a call that broke off anywhere can be repeated.

    Args:
        client: of the store.
        run_id: of the run, which is open.
        record: what was measured.
        finished: when, in ms.
        pack: writes its method, see `Pack`; None, or if that cannot be had: its weights alone.
    """
    log_inputs(client, run_id, record.config)
    log_metrics(client, run_id, record, finished)
    log_tags(client, run_id, record)
    log_artifacts(client, run_id, record)
    if pack is None or not log_model(client, run_id, record, pack):
        log_weights(client, run_id, record)
    log_predictions(client, run_id, record)
    client.set_terminated(run_id, "FINISHED", finished)
