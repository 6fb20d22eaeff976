"""The same table with another number in its cells."""

import csv
import io
import math
from dataclasses import fields
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.formats import render
from fewshot_bench.report.metric import ACCURACY, CALIBRATION, MACRO_F1, METRICS, chosen_metric
from fewshot_bench.report.published import load_published
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked

LACKING: dict[str, Any] = {
    "macro_f1": math.nan,
    "macro_f1_ci95": math.nan,
    "calibration_error": math.nan,
}
RUNS = [
    tracked(0, mean=0.6, macro_f1=0.55, calibration_error=0.04),
    tracked(1, method="tim", mean=0.7, macro_f1=0.5, calibration_error=0.09, seed=0),
    tracked(2, method="tim", mean=0.7, macro_f1=0.52, calibration_error=0.11, seed=1),
]


def texts(metric: str) -> list[tuple[str, bool]]:
    """Text of each row's only cell, and whether it is bold."""
    rows = build_table(RUNS, metric=METRICS[metric]).ours.rows
    return [(cell.text, cell.best) for row in rows for cell in row.cells if cell]


def test_each_metric_has_its_numbers_intervals_and_best() -> None:
    assert texts("accuracy") == [
        ("60.00 ± 0.40", False),
        ("70.00 ± 0.40 (seeds 2, sd 0.00)", True),
    ]
    assert texts("macro-f1") == [
        ("55.00 ± 0.50", True),
        ("51.00 ± 0.50 (seeds 2, sd 1.41)", False),
    ]
    assert texts("calibration") == [("4.00", True), ("10.00 (seeds 2, sd 1.41)", False)]


def test_the_notes_say_what_it_is_and_which_end_is_bold() -> None:
    notes = {m.name: "\n".join(build_table(RUNS, metric=m).notes) for m in METRICS.values()}
    assert "Bold: the highest mean" in notes["accuracy"]
    assert "Bold: the highest mean" in notes["macro-f1"]
    assert "Macro-F1 in percent" in notes["macro-f1"]
    assert "Bold: the lowest mean of each column, and nothing more" in notes["calibration"]
    assert "significantly higher is told by --significance" in notes["accuracy"]
    assert "significantly higher takes a paired comparison" in notes["macro-f1"]
    assert "significantly lower takes several seeds" in notes["calibration"]
    assert build_table(RUNS, metric=MACRO_F1).title == "Few-shot macro-F1"
    assert "<h1>Few-shot calibration error</h1>" in render(RUNS, "html", metric=CALIBRATION)


def test_runs_that_lack_it_are_counted_and_keep_their_names() -> None:
    old = [tracked(3, method="maml", **LACKING), tracked(4, recipe={"n_steps": "0"}, **LACKING)]
    table = build_table([*RUNS, *old], metric=CALIBRATION)
    assert [row.method for row in table.ours.rows] == ["proto-net (n_steps=3)", "tim"]
    (note,) = [note for note in table.notes if "not shown" in note]
    assert note.startswith("Runs without calibration error, which are not shown: 2.")
    assert len(build_table([*RUNS, *old]).ours.rows) == 4
    again = tracked(5, method="maml")  # the former measurement of the same cell does not count
    table = build_table([*RUNS, old[0], again], metric=CALIBRATION)
    assert not any("not shown" in note for note in table.notes)


def test_what_imbalance_changes_needs_no_interval() -> None:
    runs = [
        tracked(0, calibration_error=0.04, macro_f1=0.6),
        tracked(1, calibration_error=0.10, macro_f1=0.5, query_balance="dirichlet:2.0"),
    ]
    (row,) = build_table(runs, metric=CALIBRATION).ours.rows
    assert [cell.text for cell in row.cells if cell] == ["4.00", "10.00", "+6.00"]
    (row,) = build_table(runs, metric=MACRO_F1).ours.rows
    assert row.cells[2] is not None
    assert row.cells[2].text == "-10.00 ± 0.71"


def test_nothing_to_show_and_published_accuracies_are_refused() -> None:
    with pytest.raises(UsageError, match="none of these runs has a macro-F1: earlier versions"):
        build_table([tracked(**LACKING)], metric=MACRO_F1)
    with pytest.raises(UsageError, match="published numbers are accuracies"):
        build_table(RUNS, metric=MACRO_F1, published=load_published())
    assert build_table(RUNS, metric=ACCURACY, published=load_published()).ours.published


def test_a_metric_is_chosen_by_name_in_any_spelling() -> None:
    assert chosen_metric("Macro_F1") is MACRO_F1
    with pytest.raises(UsageError, match="no metric is called 'macro_f2'; did you mean 'macro-f1'"):
        chosen_metric("macro_f2")
    with pytest.raises(UsageError, match="accuracy, calibration, macro-f1"):
        chosen_metric("loss")


def test_csv_has_all_metrics_whatever_is_asked_for() -> None:
    runs = [*RUNS, tracked(3, method="maml", **LACKING)]
    text = render(runs, "csv", metric=MACRO_F1)
    assert text == render(runs, "csv")
    lines = {(d["method"], d["seed"]): d for d in csv.DictReader(io.StringIO(text))}
    tim = lines["tim", "1"]
    names = ("accuracy", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error")
    assert [float(tim[name]) for name in names] == pytest.approx([70, 0.4, 52, 0.5, 11])
    assert [lines["maml", "0"][name] for name in names[2:]] == ["", "", ""]


def test_each_metric_names_fields_of_a_run() -> None:
    told = {m.name: (m.title, m.value, m.ci95, m.lowest_is_best) for m in METRICS.values()}
    assert told == {
        "accuracy": ("accuracy", "mean", "ci95", False),
        "macro-f1": ("macro-F1", "macro_f1", "macro_f1_ci95", False),
        "calibration": ("calibration error", "calibration_error", None, True),
    }
    assert [*METRICS] == [*told] == [chosen_metric(name).name for name in told]
    names = {field.name for field in fields(TrackedRun)}
    assert {fact for facts in told.values() for fact in facts[1:3] if fact} <= names
