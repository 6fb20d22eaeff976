"""What is asked before MLflow's client is made, and how a new file comes to be."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import client
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.store import StoreAwayError, TrackingError
from fewshot_bench.utilities.files import stable_hash


class Client:
    """Stands for MLflow's: makes a file when it is asked, as MLflow does."""

    def __init__(self, uri: str, done: list[Any]) -> None:
        self.uri, self.done = uri, done

    def search_experiments(self, max_results: int) -> None:
        self.done.append(("searched", self.uri, max_results))
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).touch()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> list[Any]:
    """What is done, in order; nothing of it really."""
    steps: list[Any] = []
    for name in ("check_answers", "check_database", "require_current"):
        monkeypatch.setattr(client, name, lambda uri, name=name: steps.append((name, uri)))
    monkeypatch.setattr(client, "_client", lambda uri: Client(uri, steps))
    return steps


def test_a_server_is_asked_whether_it_answers(done: list[Any]) -> None:
    found = connect("http://h")
    assert isinstance(found, Client)
    assert done == [("check_answers", "http://h"), ("searched", "http://h", 1)]


def test_a_database_is_logged_in_to_and_current(done: list[Any]) -> None:
    uri = "postgresql://h/x"
    connect(uri)
    steps = ("check_answers", "check_database", "require_current")
    assert done == [*((step, uri) for step in steps), ("searched", uri, 1)]


def test_a_file_that_is_there_is_current_and_plain(
    done: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.db").touch()
    uri, whole = "sqlite:///x.db?timeout=5", f"sqlite:///{tmp_path / 'x.db'}"
    assert connect(uri).uri == whole  # type: ignore[attr-defined]
    assert done == [("check_answers", uri), ("require_current", whole), ("searched", whole, 1)]
    Path("folder.db").mkdir()
    with pytest.raises(UsageError, match="a plain file is needed"):
        connect("sqlite:///folder.db")


@pytest.mark.parametrize("folder", ["new/and deep", "."])
def test_a_new_file_is_made_whole_in_a_folder_that_need_not_be_there(
    folder: str, done: list[Any], tmp_path: Path, empty_home: Path
) -> None:
    file = tmp_path / folder / "x.db"
    for _ in range(2):
        connect(f"sqlite:///{file}")
        file.unlink()
        done_before = [*done]
        done.clear()
    made, searched = done_before[1:]
    assert made[0] == "searched"
    assert made[1] not in ("", f"sqlite:///{file}")  # under another name first
    assert made[2] == 1
    assert searched == ("searched", f"sqlite:///{file}", 1)
    assert [path.name for path in (empty_home / "locks").iterdir()] == [
        f"{stable_hash(str(file))}.lock"
    ]
    assert list(file.parent.glob("*.db*")) == []


def test_a_file_that_another_process_made_meanwhile_is_left_alone(
    done: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.db"

    class Lock:
        def __init__(self, path: Path) -> None:
            assert path.parent.is_dir()

        def __enter__(self) -> None:
            file.write_text("theirs")

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(client, "FileLock", Lock)
    connect(f"sqlite:///{file}")
    assert file.read_text() == "theirs"


def test_without_mlflow_there_is_nobody_to_ask(
    done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "find_spec", lambda name: None if name == "mlflow" else 1)
    with pytest.raises(StoreAwayError, match=r"'fsbench sync' sends what is owed to http://\*\*\*"):
        connect("http://me:pw@h")
    assert done == []


def test_an_error_of_the_store_is_one_line(
    done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_client", lambda _: 1 / 0)
    with pytest.raises(TrackingError, match=r"http://h cannot be used \(division by zero\)"):
        connect("http://h")


def test_mlflow_is_silent_and_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT")
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for logger in loggers:
        monkeypatch.setattr(logger, "level", logging.INFO)
    found = client._client("http://127.0.0.1:9")
    assert found.tracking_uri == "http://127.0.0.1:9"
    assert [os.environ[name] for name in names] == ["true", "true"]
    assert [logger.level for logger in loggers] == [logging.CRITICAL] * 2


def test_where_no_folder_can_be_made_is_no_store(done: list[Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrackingError, match=r"x\.db cannot be used"):
        connect(f"sqlite:///{tmp_path / 'file' / 'x.db'}")
