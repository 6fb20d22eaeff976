"""``fsbench table`` as a user meets it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker
from tests.tracking.records import log, make_record


def test_the_table_command_shows_what_was_logged(uri: str, tmp_path: Path) -> None:
    log(Tracker(uri), make_record())
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri, "-m", "SIB"])
    assert shown.exit_code == 0, shown.output
    assert "| transductive | ssl-meta | conv4-64 |" in shown.output
    record = make_record()
    assert record.result.macro_f1_mean is not None
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri, "--metric", "macro-f1"])
    assert f"**{100 * record.result.macro_f1_mean:.2f} ± " in shown.output
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri, "--metric", "calibration"])
    assert "**5.00**" in shown.output
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
        (["--metric", "macro-f"], "no metric is called 'macro-f'; did you mean 'macro-f1'?"),
        (["--metric", "macro-f1", "--published"], "published numbers are accuracies"),
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
