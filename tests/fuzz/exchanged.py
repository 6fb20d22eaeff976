"""Targets of the fuzzer that come from other people: files of results."""

import contextlib
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest import mock

import pyarrow as pa

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange import files
from fewshot_bench.exchange.files import read_results, write_results
from fewshot_bench.exchange.schema import to_table
from tests.exchange.measurements import measured


def results(data: bytes) -> None:
    """A file of results."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        path.write_bytes(data)
        _read(path)


def results_row(data: bytes) -> None:
    """A row of a file whose digest is right, as JSON of what is other than in a good one."""
    try:
        facts = json.loads(data)
        changed = facts if isinstance(facts, dict) else {}
        table = pa.Table.from_pylist([{**_good().to_pylist()[0], **changed}], _good().schema)
    except (ValueError, RecursionError, TypeError, OverflowError, pa.ArrowException):
        return  # no file can hold it
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(files, "to_table", return_value=table),
    ):
        write_results([], Path(folder) / "x.parquet")
        _read(Path(folder) / "x.parquet")


TARGETS: tuple[Callable[[bytes], None], ...] = (results, results_row)


def seeds(name: str) -> list[bytes]:
    """Good inputs of a target."""
    row = _good().to_pylist()[0]
    if name == "results_row":
        moments = {"started": "", "finished": ""}  # JSON has none
        return [json.dumps({k: v for k, v in row.items() if k not in moments}).encode()]
    with tempfile.TemporaryDirectory() as folder:
        write_results([measured()], Path(folder) / "x.parquet")
        return [(Path(folder) / "x.parquet").read_bytes()]


def _read(path: Path) -> None:
    """Read a file; what is taken from it can be shown."""
    with contextlib.suppress(UsageError):
        for each in read_results(path):
            run = each.tracked()
            assert 0 <= run.mean <= 1
            assert len(each.accuracies) == each.config.n_episodes


@cache
def _good() -> pa.Table:
    return to_table([measured()])
