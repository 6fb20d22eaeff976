"""``fsbench list`` as a user meets it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("methods", "ssl-meta\tsib\ttransductive\tHu et al. 2020\t"),
        ("backbones", "conv4-64\tc64f, conv4\t"),
        ("Datasets", "cifar-fs\tno\t"),
    ],
)
def test_list_gives_one_line_each(
    kind: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path))
    lines = CliRunner().invoke(app, ["list", kind]).output.splitlines()
    assert any(line.startswith(start) for line in lines)
    assert all("\t" in line for line in lines)


def test_list_of_something_else_says_what_there_is() -> None:
    outcome = CliRunner().invoke(app, ["list", "optimizers"])
    assert isinstance(outcome.exception, UsageError)
    assert "backbones, datasets, methods" in str(outcome.exception)
