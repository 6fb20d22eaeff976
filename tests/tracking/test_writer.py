"""Runs written to a real sqlite store: whole, once, and as they were measured."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion, code_version
from fewshot_bench.tracking import Tracker, load_runs, sending, writer
from fewshot_bench.tracking.store import TrackingError
from tests.tracking.records import log, make_record, status_of


def test_mlflow_shows_parameters_metrics_curves_and_tags(uri: str, tmp_path: Path) -> None:
    record = make_record(n_curve=2345)
    run_id = log(Tracker(uri), record)
    client = MlflowClient(tracking_uri=uri)
    run = client.get_run(run_id)
    assert run.info.run_name == "ssl-meta conv4-64 1-shot"
    assert run.data.params["recipe.note"] == "x" * 500
    assert run.data.params["episode_seed"] == "0"
    assert run.data.metrics["cell_acc_1shot"] == pytest.approx(100 * record.result.mean)
    assert run.data.metrics["cell_macro_f1_1shot"] == pytest.approx(90 * record.result.mean)
    assert run.data.metrics["cell_ece_1shot"] == 5
    assert run.data.metrics["ms_per_episode"] == pytest.approx(10)
    assert run.data.tags["fsbench.version"] == str(code_version())
    assert run.data.tags["fsbench.version.torch"] == "2.13.0"
    curve = client.get_metric_history(run_id, "train_loss")
    assert [(m.step, m.value) for m in curve] == [(s, 1 / (s + 1)) for s in range(2345)]
    assert client.get_experiment(run.info.experiment_id).name == "cifar-fs"
    assert run.info.artifact_uri.startswith((tmp_path / "mlartifacts").as_uri())


def test_the_artifacts_hold_accuracies_configuration_and_checkpoint(
    uri: str, tmp_path: Path, empty_home: Path
) -> None:
    checkpoint = empty_home / "weights" / "method-0123" / "model.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    record = make_record(checkpoint, n_episodes=1)
    folder = tmp_path / "mlartifacts" / log(Tracker(uri), record) / "artifacts"
    frame = pd.read_parquet(folder / "accuracies.parquet")
    assert frame.columns.tolist() == ["episode", "accuracy", "macro_f1"]
    assert tuple(frame["accuracy"]) == record.result.accuracies
    assert tuple(frame["macro_f1"]) == record.result.macro_f1
    assert RunConfig.model_validate_json((folder / "config.json").read_text()) == record.config
    facts = json.loads((folder / "result.json").read_text())
    assert facts["ci95_1shot"] is None  # one episode: NaN, which JSON does not know
    assert (folder / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("place", ["/etc/hostname", "weights/linked/model.safetensors"])
def test_nothing_outside_of_the_home_is_uploaded(
    place: str, uri: str, tmp_path: Path, empty_home: Path
) -> None:
    linked = empty_home / "weights" / "linked" / "model.safetensors"
    linked.parent.mkdir(parents=True)
    linked.symlink_to("/etc/hostname")
    run_id = log(Tracker(uri), make_record(empty_home / place, n_episodes=3))
    folder = tmp_path / "mlartifacts" / run_id / "artifacts"
    uploaded = {file.name for file in folder.iterdir()}
    assert uploaded == {"accuracies.parquet", "config.json", "result.json"}


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError, "FAILED"), (SystemExit, "FAILED"), (KeyboardInterrupt, "KILLED")],
)
def test_a_run_that_breaks_off_is_never_taken_for_finished(
    uri: str, error: type[BaseException], status: str
) -> None:
    tracker, record = Tracker(uri), make_record()
    with pytest.raises(error), tracker.announced(record.config):
        raise error
    assert status_of(tracker) == [status]
    assert not tracker.has(record)
    assert load_runs(uri) == []


def test_sending_twice_writes_once_and_a_new_measurement_is_a_new_run(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    tracker.send(record)
    tracker.send(record)
    assert len(load_runs(uri)) == 1
    again = record.model_copy(update={"result": record.result.model_copy(update={"seconds": 9.0})})
    assert tracker.has(record)
    assert not tracker.has(again)  # who was killed now would have to send it yet
    assert not Tracker(uri).has(again)
    tracker.send(again)
    assert tracker.has(again)
    assert len(load_runs(uri)) == 2


def test_what_a_dead_process_left_running_is_taken_over(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    for _ in range(2):
        with tracker.announced(record.config):
            pass
        assert status_of(tracker) == ["RUNNING"]
    Tracker(uri).send(record)
    assert status_of(tracker) == ["FINISHED"]
    (found,) = load_runs(uri)
    assert found.key == record.config.key


@pytest.mark.parametrize("step", ["log_params", "log_metrics", "log_tags", "log_artifacts"])
def test_a_sending_that_broke_off_is_completed_without_duplicates(
    uri: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = writer if hasattr(writer, step) else sending
    record, written = make_record(n_curve=1500), getattr(module, step)

    def write_and_break(*arguments: Any) -> None:
        written(*arguments)
        raise ConnectionError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(module, step, write_and_break)
        with pytest.raises(TrackingError, match="gone"):
            Tracker(uri).send(record)
    tracker = Tracker(uri)
    tracker.send(record)
    assert status_of(tracker) == ["FINISHED"]
    (found,) = load_runs(uri)
    curve = MlflowClient(tracking_uri=uri).get_metric_history(found.run_id, "train_loss")
    assert [m.step for m in curve] == list(range(1500))


def test_the_code_and_the_times_are_those_of_the_measurement(uri: str) -> None:
    code = CodeVersion("0.0.9", "f" * 40, dirty=True)
    times = {
        "started": datetime(2025, 1, 2, tzinfo=UTC),
        "finished": datetime(2025, 1, 3, tzinfo=UTC),
    }
    Tracker(uri).send(make_record().model_copy(update={"code": code, **times}))
    (found,) = load_runs(uri)
    assert found.version == str(code)
    assert (found.started, found.finished) == tuple(times.values())
    tags = MlflowClient(tracking_uri=uri).get_run(found.run_id).data.tags
    assert tags["mlflow.source.git.commit"] == "f" * 40
    assert tags["fsbench.dirty"] == "true"
