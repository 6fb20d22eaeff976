"""Databases that MLflow would change if it were let: left as they are, and named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker, load_runs


@contextmanager
def database(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as connection, connection:
        yield connection


@pytest.mark.parametrize("command", ["table", "ui", "run"])
def test_an_older_store_is_not_migrated_by_whoever_opens_it(
    command: str, uri: str, tmp_path: Path
) -> None:
    file = tmp_path / "mlflow.db"
    with database(file) as store:  # as it was before a table came
        store.execute("UPDATE alembic_version SET version_num = '89d4b8295536'")
        store.execute("DROP TABLE trace_info")
    before = file.read_bytes()
    arguments = ["run", "-m", "simple-shot", "--set", "pretrain=none"] if command == "run" else []
    done = CliRunner().invoke(app, [*(arguments or [command]), "--tracking-uri", uri])
    assert isinstance(done.exception, UsageError)
    assert f"run 'mlflow db upgrade {uri}'" in str(done.exception)
    assert "89d4b8295536" in str(done.exception)
    assert file.read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "cookies.db"
    with database(file) as other:
        other.execute("CREATE TABLE cookies (name TEXT)")
    before = file.read_bytes()
    for ask in (load_runs, lambda uri: Tracker(uri).check()):
        with pytest.raises(UsageError, match="is another program's: it has no tables of MLflow"):
            ask(f"sqlite:///{file}")
    assert file.read_bytes() == before
