"""``fsbench table`` as a user meets it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker
from tests.markdown import markdown_rows
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


def test_published_numbers_obey_the_filters(uri: str) -> None:
    log(Tracker(uri), make_record(recipe={"n_steps": 3, "pretrain": {"rotation": 0.0}}))
    names = ["-m", "SIB", "--backbone", "c64f", "--dataset", "cifar_fs", "--shots", "1"]
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri, "--published", *names])
    assert shown.exit_code == 0, shown.output
    head, _, *rows = markdown_rows(shown.output)
    assert head[5] == "cifar-fs 1-shot, published"
    assert [(row[3], row[5]) for row in rows] == [
        ("SIB (K=0)", r"59.2 ± 0.5\*"),
        ("SIB (K=3)", "68.7 ± 0.6"),
    ]
    ours = 100 * make_record().result.mean
    assert rows[1][4].strip("*").startswith(f"{ours:.2f}")
    assert rows[1][6:8] == [f"{ours - 68.7:+.2f}", "2000 episodes"]
    assert rows[0][4] == "-"


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
