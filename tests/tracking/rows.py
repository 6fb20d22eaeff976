"""Cells that are quick to send, and runs of a store by what they are."""

from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from fewshot_bench.provenance.code_version import code_version
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.experiments import EXPERIMENT_TAGS
from fewshot_bench.tracking.log import log_code, log_params, log_tags
from fewshot_bench.tracking.record import flatten, measured
from tests.tracking.records import make_record


def small(**facts: Any) -> RunRecord:
    return make_record(n_curve=1, **{"recipe": {"lr": 0.1}, **facts})


def runs_of(uri: str, experiment: str = "cifar-fs") -> list[Run]:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def kind(run: Run) -> str:
    return str(run.data.tags["fsbench.kind"])


def of_kind(wanted: str, uri: str, experiment: str = "cifar-fs") -> list[Run]:
    return [run for run in runs_of(uri, experiment) if kind(run) == wanted]


def data_of(run: Run) -> list[str]:
    assert run.inputs is not None
    return [each.dataset.name for each in run.inputs.dataset_inputs]


def old_cell(uri: str, record: RunRecord) -> str:
    """Write a cell as versions without rows did; return its id."""
    client, config = MlflowClient(tracking_uri=uri), record.config
    kind_alone = {k: v for k, v in EXPERIMENT_TAGS.items() if k == "mlflow.experimentKind"}
    experiment = client.create_experiment(config.dataset, tags=kind_alone)
    tags = {"fsbench.key": config.key, "fsbench.data_checksum": config.data_checksum}
    run_id = str(client.create_run(experiment, 1, tags).info.run_id)
    log_params(client, run_id, flatten(config.model_dump(mode="json")))
    client.log_batch(run_id, [Metric(k, v, 1, 0) for k, v in measured(record).items()])
    log_tags(client, run_id, record)
    log_code(client, run_id, code_version())
    client.set_terminated(run_id, "FINISHED", 2)
    return run_id
