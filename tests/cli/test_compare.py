"""``fsbench compare``, and what ``table`` says of significance, as a user meets them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import Tracker
from tests.markdown import markdown_rows
from tests.tracking.records import log, make_record


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three methods on the same two episodes; one of them as a smoke run, too."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    tracker = Tracker(uri)
    for facts in ({}, {"method": "tim"}, {"method": "r2d2", "seed": 1}):
        log(tracker, make_record(**facts))
    log(tracker, make_record(method="tim", preset="smoke", seed=7))
    return uri


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def test_it_compares_what_is_asked_for(store: str, tmp_path: Path) -> None:
    shown = asked("compare", "SIB", "tim", "--tracking-uri", store, "--margin", "0.5")
    assert shown.exit_code == 0, shown.output
    head, _, row = markdown_rows(shown.stdout)
    assert row[:5] == ["cifar-fs 1-shot", "ssl-meta", "tim", "+0.00 ± 0.00", "1.000"]
    assert row[head.index("p (± 0.5)")] == "< 0.001"
    assert row[-1] == "as good"
    file = tmp_path / "told.json"
    written = asked("compare", "tim", "--tracking-uri", store, "-o", str(file))
    assert written.stdout == f"2 comparisons in {file}\n"
    pairs = json.loads(file.read_text("utf-8"))["pairs"]
    assert {pair["second"] for pair in pairs} == {"ssl-meta", "r2d2"}


def test_smoke_runs_are_left_out_and_that_is_said(store: str) -> None:
    shown = asked("table", "--tracking-uri", store)
    assert "smoke runs left out: 1; '--preset smoke' shows them" in shown.stderr
    assert "smoke" not in shown.stdout
    alone = asked("table", "--tracking-uri", store, "--preset", "smoke")
    assert "| tim (preset smoke) |" in alone.stdout
    assert "left out" not in alone.stderr


def test_a_table_says_what_is_not_significantly_worse(store: str) -> None:
    shown = asked("table", "--tracking-uri", store, "--significance", "--seed", "0")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("| **") == 2  # the same answers
    assert "not significantly lower (two-sided" in shown.stdout


def test_a_terminal_shows_a_table_that_is_laid_out(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    for arguments in (["table"], ["compare", "sib"]):
        shown = asked(*arguments, "--tracking-uri", store).stdout
        assert "───" in shown
        assert "| ---" not in shown
        assert "\n- " in shown
        assert "| ---" in asked(*arguments, "--tracking-uri", store, "-f", "md").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "mamba"], "no finished run of method 'mamba'"),
        (["compare", "sib", "tim", "-f", "html"], "no format is called 'html'"),
        (["compare", "sib", "-o", "x.tex"], "end it in .md, .csv, .json"),
        (["compare", "sib", "-o", "x.csv", "-f", "json"], "'x.csv' is a file of csv, not of json"),
        (["table", "-o", "x.tex", "-f", "md"], "'x.tex' is a file of latex, not of markdown"),
        (["table", "--significance", "--metric", "macro-f1"], "leave --significance or --metric"),
    ],
)
def test_mistakes_are_told_in_a_line(store: str, arguments: list[Any], words: str) -> None:
    outcome = asked(*arguments, "--tracking-uri", store)
    assert isinstance(outcome.exception, UsageError), outcome.output
    assert words in str(outcome.exception)
