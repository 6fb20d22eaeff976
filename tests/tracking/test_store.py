"""Stores: a new one, and those that cannot be used."""

import logging
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker, load_runs
from tests.tracking.records import log, make_record


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
