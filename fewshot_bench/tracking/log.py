"""What is logged of a run, part by part; each part can be logged again without harm."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions, predictions_path
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.classes import write_class_files
from fewshot_bench.tracking.order import ORDER
from fewshot_bench.tracking.record import costs, percentages, write_files
from fewshot_bench.utilities.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

# Older MLflow servers refuse longer values; config.json holds them in full.
PARAM_LENGTH = 500
DECIMALS = 6  # of a percentage in a row: more do not fit MLflow's columns
DIGEST_LENGTH = 36  # MLflow's
ATTEMPTS = 5
TWICE = ("IntegrityError", "UniqueViolation")  # what databases call it if something is there
PARAMS_PER_BATCH, METRICS_PER_BATCH = 100, 1000
KEPT = {"fsbench.predictions": "kept"}  # the tag of a run that has its predictions


def log_code(client: "MlflowClient", run_id: str, code: CodeVersion) -> None:
    """Log which code it was."""
    tags = {"fsbench.version": str(code)}
    if code.commit:
        tags["mlflow.source.git.commit"] = code.commit
        tags["fsbench.dirty"] = str(code.dirty).lower()
    set_tags(client, run_id, tags)


def log_params(client: "MlflowClient", run_id: str, values: Mapping[str, str]) -> None:
    """Log parameters, cut at `PARAM_LENGTH` characters."""
    from mlflow.entities import Param

    params = [Param(name, value[:PARAM_LENGTH]) for name, value in values.items()]
    for batch in _batches(params, PARAMS_PER_BATCH):
        client.log_batch(run_id, params=batch)


def log_metrics(client: "MlflowClient", run_id: str, record: RunRecord, time: int) -> None:
    """Log all numbers under one `time`, in ms: MLflow then keeps one of equal points."""
    from mlflow.entities import Metric

    numbers = percentages(record, of_cell=True) | costs(record)
    metrics = [Metric(p.name, p.value, time, p.step) for p in record.curves]
    metrics += [Metric(name, value, time, 0) for name, value in numbers.items()]
    log_values(client, run_id, metrics)


def log_values(client: "MlflowClient", run_id: str, metrics: "Sequence[Metric]") -> None:
    """Log points of metrics, however many."""
    for batch in _batches(metrics, METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch)


def log_shares(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Log the numbers of a cell to its row; of two measurements the later in order counts."""
    from mlflow.entities import Metric

    numbers = percentages(record, of_cell=False)
    metrics = [Metric(n, round(v, DECIMALS), record.place, 0) for n, v in numbers.items()]
    client.log_batch(run_id, metrics=metrics)


def log_inputs(client: "MlflowClient", run_id: str, config: RunConfig) -> None:
    """Log on which data a run is measured and, if that is another, trained."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    used = {str(config.split): (config.dataset, config.data_checksum)}
    if config.train_dataset and config.train_checksum:
        used["train"] = (config.train_dataset, config.train_checksum)
    inputs = []
    for context, (name, checksum) in used.items():
        source = json.dumps({"name": name, "checksum": checksum})
        dataset = Dataset(name, checksum[:DIGEST_LENGTH], "fsbench", source)
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    for left in reversed(range(ATTEMPTS)):
        try:
            client.log_inputs(run_id, inputs)
            break
        except Exception as error:  # another machine wrote the same meanwhile
            if not left or not any(name in str(error) for name in TWICE):
                raise


def log_tags(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Log which measurement it is, and what it was made on."""
    result = record.result
    tags = {
        "fsbench.record": record.id,
        ORDER: str(record.place),
        "fsbench.setting": result.setting,
        "fsbench.episode_digest": result.episode_digest,
        "fsbench.device": result.device,
        **{f"fsbench.version.{name}": value for name, value in result.versions.items()},
    }
    set_tags(client, run_id, tags)


def log_predictions(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Log the answers of a run, if they are kept, and what follows of them; see `KEPT`.

    A file that is damaged, or of another run, is no reason to keep the result back.
    """
    try:
        if not has_predictions(record):
            return
    except UsageError as error:
        say(f"warning: {error}; {record.config.title} is logged without predictions")
        return
    with tempfile.TemporaryDirectory() as name:
        shutil.copyfile(predictions_path(record.config.key), Path(name) / "predictions.parquet")
        write_class_files(record.config, Path(name))
        client.log_artifacts(run_id, name)
    set_tags(client, run_id, KEPT)


def set_tags(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def log_artifacts(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Log configuration, result, and accuracies of all episodes."""
    with tempfile.TemporaryDirectory() as name:
        write_files(record, Path(name))
        client.log_artifacts(run_id, name)


def log_weights(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Log the weights that were trained, if there are any; old results outlive them."""
    if record.weights and record.weights.is_file():
        client.log_artifact(run_id, str(record.weights))


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
