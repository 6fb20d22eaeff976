"""The record of a run, put together from what a store keeps of it."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import CurvePoint, Result, RunRecord, require_sound
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.record import TrackedRun, costs, percentages
from fewshot_bench.tracking.store import one_line
from fewshot_bench.utilities.files import read_json, read_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_FILES = ("config.json", "result.json", "accuracies.parquet")
_DAMAGE = (ValueError, LookupError, TypeError, OSError)


def stored_elsewhere(uri: str, tracked: TrackedRun) -> RunRecord:
    """Read configuration, accuracies and curves of a run from the artifacts of a store.

    Where its weights were, and the digest of its method's code, a store does not keep.

    Raises:
        UsageError: the store cannot be used, or what it keeps is damaged or of another run.
    """
    client = connect(uri)
    with one_line(uri):
        run = client.get_run(tracked.run_id)
        with tempfile.TemporaryDirectory() as name:
            for file in _FILES:
                client.download_artifacts(tracked.run_id, file, name)
            try:
                record = _record(run, Path(name))
                require_sound(record)
            except (*_DAMAGE, UsageError) as error:
                reason = str(error).partition("\n")[0][:200]
                raise _useless(tracked, reason) from None
        if record.config.key != tracked.key or tracked.record not in ("", record.id):
            raise _useless(tracked, "they are of another run")
        return record.model_copy(update={"curves": _curves(client, run, record)})


def _useless(run: TrackedRun, reason: str) -> UsageError:
    return UsageError(
        f"the files of run {run.run_id} cannot be used ({reason}); 'fsbench run --force' measures "
        "it again"
    )


def _record(run: "Run", folder: Path) -> RunRecord:
    """Read a record without curves from the files that `write_files` wrote, and tags."""
    import pandas as pd

    config = RunConfig.model_validate_json(read_text(folder / "config.json"))
    facts = read_json(folder / "result.json")
    episodes = pd.read_parquet(folder / "accuracies.parquet")
    known: dict[str, Any] = {k: v for k, v in facts.items() if k in Result.model_fields}
    known |= {"accuracies": episodes["accuracy"].tolist()}
    if "macro_f1" in episodes:
        known |= {"macro_f1": episodes["macro_f1"].tolist()}
    metrics, tags = run.data.metrics, run.data.tags
    return RunRecord(
        config=config,
        result=Result.model_validate(known),
        train_seconds=metrics["train_seconds"],
        pretrain_seconds=metrics.get("pretrain_seconds", 0.0),
        code=_code(tags),
    )


def _code(tags: dict[str, str]) -> CodeVersion | None:
    commit = tags.get("mlflow.source.git.commit")
    package = tags.get("fsbench.version", "").partition("+")[0]
    return CodeVersion(package, commit, tags.get("fsbench.dirty") == "true") if package else None


def _curves(client: "MlflowClient", run: "Run", record: RunRecord) -> tuple[CurvePoint, ...]:
    """Read what was logged besides the final numbers."""
    final = percentages(record, of_cell=True) | costs(record)
    names = sorted(name for name in run.data.metrics if name not in final)
    points = [
        CurvePoint(name=name, step=point.step, value=point.value)
        for name in names
        for point in client.get_metric_history(run.info.run_id, name)
    ]
    return tuple(sorted(points, key=lambda point: point.step))
