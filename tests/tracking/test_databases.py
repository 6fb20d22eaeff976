"""How databases are asked without MLflow: briefly, only reading, and left again."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from fewshot_bench.tracking import schema
from fewshot_bench.tracking.schema import require_current
from fewshot_bench.tracking.sqlite import holds_finished
from fewshot_bench.tracking.store import TrackingError, check_database

TABLES = """
    CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
    CREATE TABLE runs (run_uuid TEXT, experiment_id INTEGER, status TEXT, lifecycle_stage TEXT);
    CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT);
    INSERT INTO experiments VALUES (1, 'a'), (2, 'b');
    INSERT INTO runs VALUES
        ('done', 1, 'FINISHED', 'active'), ('runs', 1, 'RUNNING', 'active'),
        ('gone', 1, 'FINISHED', 'deleted');
    INSERT INTO tags VALUES
        ('done', 'x', '1'), ('done', 'y', '2'), ('done', 'z', '3'), ('runs', 'x', '4'),
        ('gone', 'x', '5'), ('runs', 'y', '6');
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "a b.db")) as store:
        store.executescript(TABLES)
    return tmp_path / "a b.db"


@pytest.mark.parametrize(
    ("experiment", "tags", "held"),
    [
        ("a", {"x": "1"}, True),
        ("a", {"x": "1", "z": "3", "y": "2"}, True),
        ("a", {"x": "1", "z": "3", "y": "6"}, False),
        ("b", {"x": "1"}, False),
        ("a", {"x": "4"}, False),
        ("a", {"x": "5"}, False),
        ("a", {"x": "2"}, False),
    ],
)
def test_a_run_with_all_tags_is_held(
    experiment: str, tags: dict[str, str], held: bool, file: Path
) -> None:
    assert holds_finished(file, experiment, tags) is held


def test_a_file_is_only_read_and_waited_for_five_seconds(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, Any]] = []

    def refuse(*where: Any, **how: Any) -> None:
        asked.append((where, how))
        raise sqlite3.OperationalError("locked")

    assert holds_finished(file.parent, "a", {"x": "1"}) is None
    monkeypatch.setattr(sqlite3, "connect", refuse)
    assert holds_finished(file, "a", {"x": "1"}) is None
    assert asked == [((f"{file.as_uri()}?mode=ro",), {"uri": True, "timeout": 5})]


def versioned(file: Path, revision: str) -> str:
    with closing(sqlite3.connect(file)) as store, store:
        store.execute("CREATE TABLE alembic_version (version_num TEXT)")
        store.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    return f"sqlite:///{file}"


def test_a_database_is_of_this_mlflow_or_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    made = sqlalchemy.create_engine

    def noted(uri: str) -> sqlalchemy.Engine:
        engine = made(uri)
        sqlalchemy.event.listen(engine, "engine_disposed", lambda _: left.append(uri))
        return engine

    monkeypatch.setattr(sqlalchemy, "create_engine", noted)
    monkeypatch.setattr(schema, "_newest", lambda: ("n1", "n2"))
    good = [versioned(tmp_path / f"{name}.db", name) for name in ("n1", "n2")]
    (tmp_path / "empty.db").touch()
    good.append(f"sqlite:///{tmp_path / 'empty.db'}")
    for uri in good:
        require_current(uri)
    assert left == good
    old = versioned(tmp_path / "old.db", "o1")
    with pytest.raises(TrackingError) as refused:
        require_current(old)
    assert str(refused.value) == (
        f"the tracking store {old} was made by another version of MLflow (o1), and merely opening "
        f"it might change it for good; keep a copy and run 'mlflow db upgrade {old}', or choose "
        "another with --tracking-uri"
    )
    assert left[3:] == [old]
    with closing(sqlite3.connect(tmp_path / "other.db")) as store:
        store.execute("CREATE TABLE cookies (name TEXT)")
    with pytest.raises(TrackingError, match=r"other\.db is another program's: it has no tables"):
        require_current(f"sqlite:///{tmp_path / 'other.db'}")


def test_this_mlflow_has_one_newest_revision() -> None:
    (newest,) = schema._newest()
    assert len(newest) == 12
    int(newest, 16)


def test_a_database_is_logged_in_to_once_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Engine:
        def __init__(self, fails: bool) -> None:
            self.fails = fails

        def connect(self) -> "Engine":
            done.append("connect")
            if self.fails:
                raise PermissionError
            return self

        def close(self) -> None:
            done.append("close")

        def dispose(self) -> None:
            done.append("dispose")

    engines = {"postgresql://good/x": Engine(False), "postgresql://bad/x": Engine(True)}
    monkeypatch.setattr(sqlalchemy, "create_engine", engines.__getitem__)
    check_database("postgresql://good/x")
    assert done == ["connect", "close", "dispose"]
    with pytest.raises(PermissionError):
        check_database("postgresql://bad/x")
    assert done[3:] == ["connect", "dispose"]
