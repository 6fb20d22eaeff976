"""Predictions kept on request: of a new run, and of one that is finished, which must not change."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions, predictions_path
from fewshot_bench.records import keep_record, stored_record
from fewshot_bench.results import RunRecord
from fewshot_bench.runs import domains
from fewshot_bench.runs.cells import Cell, Choice
from fewshot_bench.runs.engine import Engine
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.owed import owed_to, send_owed
from fewshot_bench.tracking.store import StoreAwayError
from fewshot_bench.training.trainer import Trainer
from tests.cells import CPU, config
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home", "synthetic")
ARTIFACTS = {"predictions.parquet", "accuracy_by_class.csv", "confusion.csv", "confusion.png"}


@pytest.fixture
def synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())


@pytest.fixture
def plain(uri: str) -> Engine:
    """An engine that keeps no predictions."""
    return Engine(Tracker(uri), CPU)


@pytest.fixture
def keeping(plain: Engine) -> Engine:
    """The same, but for that."""
    return replace(plain, keep_predictions=True)


def measured(engine: Engine, asked: RunConfig | None = None) -> RunRecord:
    return engine.measure_cell(Cell(config=asked or config("proto-net")))


def artifacts(uri: str) -> set[str]:
    """Those of predictions that the only run has."""
    (run,) = load_runs(uri)
    return {file.path for file in MlflowClient(uri).list_artifacts(run.run_id)} & ARTIFACTS


def test_a_new_run_keeps_and_logs_what_it_answered(keeping: Engine, uri: str) -> None:
    record = measured(keeping)
    frame = pd.read_parquet(predictions_path(record.config.key))
    right = (frame["true_class"].astype(str) == frame["predicted_class"].astype(str)).to_numpy()
    assert tuple(right.reshape(10, 20).mean(1)) == record.result.accuracies
    split = make_dataset()["test"]
    names = np.asarray(split.class_names)[split.labels[frame["query_index"]]]
    assert (frame["true_class"] == names).all()
    assert artifacts(uri) == ARTIFACTS
    store = Path(uri.removeprefix("sqlite:///")).parent
    (logged,) = store.glob("mlartifacts/*/*/predictions.parquet")
    assert pd.read_parquet(logged).equals(frame)


def test_without_being_asked_nothing_is_kept(plain: Engine, uri: str) -> None:
    assert not has_predictions(measured(plain))
    assert artifacts(uri) == set()


@pytest.mark.parametrize(("method", "setting"), [("maml", ""), ("ssl-meta", "train=none")])
def test_a_finished_run_is_evaluated_again_without_training_and_its_run_gets_them(
    method: str,
    setting: str,
    plain: Engine,
    keeping: Engine,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    asked = config(method, *filter(None, [setting]))
    first = measured(plain, asked)
    monkeypatch.setattr(Trainer, "run", lambda _: pytest.fail("it was trained again"))
    assert measured(keeping, asked).id == first.id
    assert "has been run; evaluating it again to keep its predictions" in capfd.readouterr().err
    assert has_predictions(first)
    assert artifacts(uri) == ARTIFACTS
    written = predictions_path(asked.key).stat().st_mtime_ns
    assert measured(keeping, asked).id == first.id
    assert "has been run (--force runs it again)" in capfd.readouterr().err
    assert predictions_path(asked.key).stat().st_mtime_ns == written


def changed_result(record: RunRecord) -> None:
    accuracies = (0.123, *record.result.accuracies[1:])
    result = record.result.model_copy(update={"accuracies": accuracies})
    keep_record(record.model_copy(update={"result": result}))


def lost_weights(record: RunRecord) -> None:
    assert record.checkpoint is not None
    Path(record.checkpoint).unlink()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (changed_result, r"1 of 10 episodes have other accuracies .*episode 0: .* stored 0.1230"),
        (lost_weights, r"cannot be made again without .*model.safetensors.*--force"),
    ],
)
def test_what_cannot_be_repeated_is_refused_and_leaves_no_file(
    change: Callable[[RunRecord], None], says: str, plain: Engine, keeping: Engine, uri: str
) -> None:
    record = measured(plain)
    change(record)
    with pytest.raises(UsageError, match=says):
        measured(keeping)
    assert not predictions_path(record.config.key).exists()
    assert artifacts(uri) == set()


def test_a_new_measurement_takes_the_former_predictions_with_it(
    plain: Engine, keeping: Engine
) -> None:
    record = measured(keeping)
    measured(replace(plain, force=True))
    assert not has_predictions(record)
    measured(replace(keeping, force=True))
    assert has_predictions(record)  # the accuracies are the same


def test_a_sweep_keeps_those_of_what_it_chose_alone(keeping: Engine) -> None:
    trials = [config("proto-net", f"scale={s}", split="val") for s in (1.0, 2.0)]
    finals = [config("proto-net", f"scale={s}") for s in (1.0, 2.0)]
    choices = tuple(
        Choice(settings=(), trial=t, config=f) for t, f in zip(trials, finals, strict=True)
    )
    record = keeping.measure_cell(Cell(config=config("proto-net"), choices=choices))
    assert record.config in finals
    kept = [asked for asked in (*trials, *finals) if predictions_path(asked.key).exists()]
    assert kept == [record.config]


def test_predictions_that_a_store_could_not_take_are_owed(
    plain: Engine, keeping: Engine, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(plain)

    def away(*_: object) -> None:
        raise StoreAwayError("away")

    with monkeypatch.context() as broken:
        broken.setattr(Tracker, "send", away)
        measured(keeping)
    assert len(owed_to(uri)) == 1
    assert artifacts(uri) == set()
    assert send_owed(Tracker(uri)) == 1
    assert artifacts(uri) == ARTIFACTS


def test_a_result_is_sent_without_predictions_that_are_not_its_own(
    keeping: Engine, uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    record = measured(keeping)
    predictions_path(record.config.key).write_text("no parquet")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    Tracker(other).send(record)
    assert "is damaged" in (told := capfd.readouterr().err)
    assert "is logged without predictions" in told
    assert artifacts(other) == set()
    with pytest.raises(UsageError, match="is damaged"):
        measured(keeping)
    assert stored_record(record.config.key) == record
