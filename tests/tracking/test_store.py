"""Runs written to a real sqlite store and read back; stores that cannot be used."""

import json
import logging
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import CodeVersion, code_version
from fewshot_bench.results import CurvePoint, Result, RunRecord
from fewshot_bench.tracking import Tracker, load_runs, writer
from fewshot_bench.tracking.owed import deliver, owed_elsewhere, owed_to, send_owed
from fewshot_bench.tracking.record import flatten
from fewshot_bench.tracking.store import TrackingError, redacted
from fewshot_bench.utilities.files import stable_hash


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh store, made once: MLflow's migrations take a second or two."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    Tracker(f"sqlite:///{file}").check()
    return file


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def make_record(checkpoint: Path | None = None, n_curve: int = 5, **facts: Any) -> RunRecord:
    config = RunConfig(
        **{
            "method": "ssl-meta",
            "backbone": "conv4-64",
            "dataset": "cifar-fs",
            "n_episodes": 50,
            "recipe": {"train": {"lr": 0.1, "milestones": [0.5, 0.7]}, "note": "x" * 3000},
            "data_checksum": "d" * 64,
            **facts,
        }
    )
    accuracies = np.random.default_rng(config.seed).integers(0, 75, config.n_episodes) / 75
    result = Result(
        accuracies=tuple(accuracies.tolist()),
        setting="transductive",
        seconds=2.5,
        episode_seconds=0.01,
        peak_memory_mb=300.0,
        episode_digest="e" * 64,
        data_checksum="t" * 64,
        device="cpu",
        versions={"torch": "2.13.0"},
    )
    curve = [CurvePoint(name="train_loss", step=s, value=1 / (s + 1)) for s in range(n_curve)]
    return RunRecord(
        config=config,
        result=result,
        curves=tuple(curve),
        train_seconds=12.0,
        checkpoint=str(checkpoint) if checkpoint else None,
        started=datetime(2026, 1, 2, tzinfo=UTC),
        finished=datetime(2026, 1, 3, tzinfo=UTC),
    )


def log(tracker: Tracker, record: RunRecord) -> str:
    """Send a record; return MLflow's id of the run."""
    tracker.send(record)
    return load_runs(tracker.uri)[-1].run_id


def status_of(tracker: Tracker) -> list[str]:
    client = MlflowClient(tracking_uri=tracker.uri)
    experiment = client.get_experiment_by_name("cifar-fs")
    assert experiment is not None
    return [run.info.status for run in client.search_runs([experiment.experiment_id])]


def test_a_run_is_found_again_with_all_that_was_measured(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    assert not tracker.has(record.config)
    log(tracker, record)
    assert tracker.has(record.config)
    (found,) = load_runs(uri)
    assert (found.mean, found.ci95) == pytest.approx((record.result.mean, record.result.ci95))
    assert found.setting == "transductive"
    assert found.data_checksum == "d" * 64
    assert found.episode_digest == "e" * 64
    assert found.recipe["train.lr"] == "0.1"
    assert found.recipe["train.milestones"] == "[0.5, 0.7]"
    assert found.started <= found.finished


def test_mlflow_shows_parameters_metrics_curves_and_tags(uri: str, tmp_path: Path) -> None:
    record = make_record(n_curve=2345)
    run_id = log(Tracker(uri), record)
    client = MlflowClient(tracking_uri=uri)
    run = client.get_run(run_id)
    assert run.info.run_name == "ssl-meta conv4-64 1-shot seed 0"
    assert run.data.params["recipe.note"] == "x" * 500
    assert run.data.params["episode_seed"] == "0"
    assert run.data.metrics["acc_1shot"] == pytest.approx(record.result.mean)
    assert run.data.metrics["ms_per_episode"] == pytest.approx(10)
    assert run.data.tags["fsbench.version"] == str(code_version())
    assert run.data.tags["fsbench.version.torch"] == "2.13.0"
    curve = client.get_metric_history(run_id, "train_loss")
    assert [(m.step, m.value) for m in curve] == [(s, 1 / (s + 1)) for s in range(2345)]
    assert client.get_experiment(run.info.experiment_id).name == "cifar-fs"
    assert run.info.artifact_uri.startswith((tmp_path / "mlartifacts").as_uri())


def test_the_artifacts_hold_accuracies_configuration_and_checkpoint(
    uri: str, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "weights.safetensors"
    checkpoint.write_bytes(b"weights")
    record = make_record(checkpoint, n_episodes=1)
    folder = tmp_path / "mlartifacts" / log(Tracker(uri), record) / "artifacts"
    frame = pd.read_parquet(folder / "accuracies.parquet")
    assert frame.columns.tolist() == ["episode", "accuracy"]
    assert tuple(frame["accuracy"]) == record.result.accuracies
    assert RunConfig.model_validate_json((folder / "config.json").read_text()) == record.config
    facts = json.loads((folder / "result.json").read_text())
    assert facts["ci95_1shot"] is None  # one episode: NaN, which JSON does not know
    assert (folder / "weights.safetensors").read_bytes() == b"weights"


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
    assert not tracker.has(record.config)
    assert load_runs(uri) == []


def test_sending_twice_writes_once_and_a_new_measurement_is_a_new_run(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    tracker.send(record)
    tracker.send(record)
    assert len(load_runs(uri)) == 1
    again = record.model_copy(update={"result": record.result.model_copy(update={"seconds": 9.0})})
    tracker.send(again)
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


@pytest.mark.parametrize("step", ["_log_params", "_log_metrics", "_log_tags", "_log_artifacts"])
def test_a_sending_that_broke_off_is_completed_without_duplicates(
    uri: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, written = make_record(n_curve=1500), getattr(writer, step)

    def write_and_break(*arguments: Any) -> None:
        written(*arguments)
        raise ConnectionError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(writer, step, write_and_break)
        with pytest.raises(TrackingError, match="gone"):
            Tracker(uri).send(record)
    tracker = Tracker(uri)
    tracker.send(record)
    assert status_of(tracker) == ["FINISHED"]
    (found,) = load_runs(uri)
    curve = MlflowClient(tracking_uri=uri).get_metric_history(found.run_id, "train_loss")
    assert [m.step for m in curve] == list(range(1500))


def test_a_damaged_debt_is_named_and_the_others_are_sent(uri: str, empty_home: Path) -> None:
    away = "http://127.0.0.1:9"
    for seed in range(2):
        assert not deliver(Tracker(away), make_record(seed=seed))
    bad = empty_home / "owed" / "elsewhere" / "bad.json"
    bad.parent.mkdir()
    bad.write_text("{")
    assert owed_elsewhere(uri) == {away: 2, f"nobody knows whom, in {bad}": 1}
    (empty_home / "owed" / stable_hash(away)).rename(empty_home / "owed" / stable_hash(uri))
    (empty_home / "owed" / stable_hash(uri) / "bad.json").write_text("{")
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri])
    assert "3 results are owed to" in shown.stderr
    with pytest.raises(UsageError, match=r"sent 2, but no result can be read in .*bad.json"):
        send_owed(Tracker(uri))
    assert len(load_runs(uri)) == 2
    assert [path.name for path in owed_to(uri)] == ["bad.json"]


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


def test_a_deleted_experiment_is_named(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    log(tracker, record)
    client = MlflowClient(tracking_uri=uri)
    client.delete_experiment(
        client.search_experiments(filter_string="name='cifar-fs'")[0].experiment_id
    )
    with pytest.raises(UsageError, match="mlflow experiments restore -x 1"):
        log(tracker, record)


def test_a_new_store_is_made_in_the_current_folder_and_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert load_runs() == []
    assert not list(tmp_path.iterdir())
    log(Tracker(), make_record())
    assert {p.name for p in tmp_path.iterdir()} == {"mlflow.db", "mlartifacts"}
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("mlflow").level == logging.CRITICAL


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://me:secret@127.0.0.1:1", "does not answer"),
        ("postgresql://me:secret@127.0.0.1:1/x", "does not answer"),
        ("http://me:secret@host:port", "names no host"),
        ("mlruns", "is no tracking URI"),
        ("ftp://me:secret@host/x", "is no tracking URI"),
        ("sqlite://mlflow.db", "names no file"),
    ],
)
def test_a_store_that_cannot_be_reached_is_one_line_and_soon(uri: str, words: str) -> None:
    began = time.monotonic()
    for use in (Tracker(uri).check, lambda: load_runs(uri)):
        with pytest.raises(UsageError, match=words) as caught:
            use()
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 15


def test_a_file_that_is_no_database_is_one_line_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("not a database " * 100)
    with pytest.raises(UsageError, match="not a database"):
        Tracker(f"sqlite:///{file}").check()
    assert file.read_text().startswith("not a database")


@given(st.text("abc:@%!$", min_size=1), st.sampled_from(["http", "postgresql+psycopg2"]))
def test_passwords_are_never_shown(password: str, scheme: str) -> None:
    assert redacted(f"see {scheme}://me:{password}@host:1/x") == f"see {scheme}://***@host:1/x"


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text("ab"), inner)))
def test_flattening_keeps_every_value(tree: Any) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict) and value:
            return [leaf for child in value.values() for leaf in leaves(child)]
        return [value]

    assert sorted(flatten({"x": tree}).values()) == sorted(map(json.dumps, leaves(tree)))


def test_the_commit_is_known_inside_a_checkout_only(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    (tmp_path / "__init__.py").write_text("")
    assert code_version(tmp_path).commit is None
    git("init")
    assert code_version(tmp_path).commit is None  # in a checkout, but not part of it
    git("add", ".")
    git("commit", "-m", "first")
    clean = code_version(tmp_path)
    assert clean.commit is not None
    assert not clean.dirty
    (tmp_path / "__init__.py").write_text("changed")
    assert str(code_version(tmp_path)) == f"{clean.package}+{clean.commit[:12]}.dirty"


def test_the_table_command_shows_what_was_logged(uri: str, tmp_path: Path) -> None:
    log(Tracker(uri), make_record())
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri, "-m", "SIB"])
    assert shown.exit_code == 0, shown.output
    assert "| transductive | ssl-meta | conv4-64 |" in shown.output
    written = tmp_path / "reports" / "table.html"
    CliRunner().invoke(app, ["table", "--tracking-uri", uri, "-o", str(written)])
    assert written.read_text().startswith("<!DOCTYPE html>")
    assert [p.name for p in written.parent.iterdir()] == ["table.html"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "proto-net"], "no finished run of method 'proto-net'"),
        (["--shots", "7"], "leave some of them out"),
        (["--format", "word"], "no format is called 'word'"),
        (["--output", "/dev/null/x.md"], "cannot write /dev/null/x.md"),
    ],
)
def test_the_table_command_says_what_is_wrong(uri: str, arguments: list[str], words: str) -> None:
    log(Tracker(uri), make_record())
    outcome = CliRunner().invoke(app, ["table", "--tracking-uri", uri, *arguments])
    assert isinstance(outcome.exception, UsageError)
    assert words in str(outcome.exception)


def test_an_empty_store_says_which_command_makes_a_run(uri: str) -> None:
    outcome = CliRunner().invoke(app, ["table", "--tracking-uri", uri])
    assert "fsbench run --method ssl-meta" in str(outcome.exception)
