"""How runs become a table: what is refused, and each cell with its text, mark and runs."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.metric import CALIBRATION, MACRO_F1
from fewshot_bench.report.notes import DROP_NOTE, NONE_PUBLISHED_NOTE, PUBLISHED_NOTE
from fewshot_bench.report.section import Cell, Column, Row, Section
from fewshot_bench.report.table import build_table
from tests.report.samples import tracked
from tests.report.test_beside import published

IMBALANCED: dict[str, Any] = {"query_balance": "dirichlet:2.0"}


def test_a_table_with_all_that_a_row_can_have() -> None:
    runs = [
        tracked(0, mean=0.5, ci95=math.nan, settings=("n_steps=3",)),
        tracked(1, mean=0.625, ci95=0.004, method="tim", setting="transductive"),
        tracked(2, mean=0.675, ci95=0.006, method="tim", setting="transductive", seed=1),
        tracked(3, mean=0.75, method="tim", setting="transductive", n_shot=5),
    ]
    ids = [run.run_id for run in runs]
    found = build_table(runs)
    assert found.title == "Few-shot accuracy"
    assert found.ours == Section(
        (Column("cifar-fs", "1-shot"), Column("cifar-fs", "5-shot")),
        (
            Row(
                *("inductive", "proto-net (n_steps=3)", "conv4-64"),
                (Cell("50.00", False, (ids[0],)), None),
            ),
            Row(
                *("transductive", "tim", "conv4-64"),
                (
                    Cell("65.00 ± 0.50 (seeds 2, sd 3.54)", True, (ids[1], ids[2])),
                    Cell("75.00 ± 0.40", True, (ids[3],)),
                ),
            ),
        ),
    )


def test_what_imbalance_changes_with_and_without_intervals() -> None:
    runs = [
        tracked(0, mean=0.7, ci95=0.003),
        tracked(1, mean=0.75, ci95=0.004, **IMBALANCED),
        tracked(2, mean=0.5, ci95=math.nan, method="tim"),
        tracked(3, mean=0.45, ci95=0.004, method="tim", **IMBALANCED),
        tracked(4, mean=0.1, method="maml", **IMBALANCED),
        tracked(5, mean=0.1, n_shot=5, **IMBALANCED),  # of other shots there is no balanced one
    ]
    ours = build_table(runs).ours
    assert [column.label for column in ours.columns] == [
        *("1-shot, balanced", "1-shot, dirichlet:2.0", "5-shot, dirichlet:2.0"),
        "1-shot, dirichlet:2.0 less balanced",
    ]
    cells = [row.cells[3] for row in ours.rows]
    assert cells == [
        None,
        Cell("+5.00 ± 0.50", False, (runs[1].run_id, runs[0].run_id)),
        Cell("-5.00", False, (runs[3].run_id, runs[2].run_id)),
    ]


def test_what_imbalance_changes_is_explained_where_it_stands() -> None:
    assert DROP_NOTE in build_table([tracked(0), tracked(1, **IMBALANCED)]).notes
    assert DROP_NOTE not in build_table([tracked(0), tracked(1, n_shot=5)]).notes


def test_what_imbalance_changes_says_of_which_stream() -> None:
    runs = [tracked(i, episode_digest=d * 64) for i, d in enumerate("ab")]
    runs.append(tracked(3, episode_digest="c" * 64, **IMBALANCED))
    labels = [column.label for column in build_table(runs).ours.columns]
    assert labels == [
        *("1-shot, balanced, stream aaaaaaaa", "1-shot, balanced, stream bbbbbbbb"),
        "1-shot, dirichlet:2.0",
        "1-shot, dirichlet:2.0 less balanced, stream aaaaaaaa",
        "1-shot, dirichlet:2.0 less balanced, stream bbbbbbbb",
    ]


def even(run_id: str) -> NDArray[np.float64]:
    return np.tile([0.4, 0.6], 30)


def test_another_metric_is_refused_beside_published_numbers_and_significance() -> None:
    runs = [tracked(0)]
    for metric in (MACRO_F1, CALIBRATION):
        with pytest.raises(UsageError, match="published numbers are accuracies; leave --published"):
            build_table(runs, metric=metric, published=published({}))
        with pytest.raises(UsageError, match="significance is that of accuracies; leave --signif"):
            build_table(runs, metric=metric, accuracies=even)
    assert build_table(runs, published=published({}), accuracies=even).ours.published


def test_what_is_not_significantly_worse_is_marked() -> None:
    runs = [tracked(0, mean=0.5), tracked(1, method="tim", mean=0.6)]

    def marks(**asked: Any) -> list[bool]:
        rows = build_table(runs, **asked).ours.rows
        return [cell.best for row in rows for cell in row.cells if cell]

    assert marks() == [False, True]
    assert marks(accuracies=even) == [True, True]


def test_episodes_that_are_not_at_hand_leave_the_marks_of_a_column() -> None:
    def absent(run_id: str) -> NDArray[np.float64]:
        raise UsageError("they are gone")

    table = build_table([tracked(0)], accuracies=absent)
    (cell,) = table.ours.rows[0].cells
    assert cell is not None
    assert cell.best
    assert [note for note in table.notes if "not at hand" in note] == [
        "Only the highest mean is bold where episodes are not at hand: cifar-fs 1-shot (they are "
        "gone)."
    ]
    assert not any("at hand" in note for note in build_table([tracked(0)], accuracies=even).notes)


def test_published_numbers_that_are_none_of_ours_leave_the_table_as_it_is() -> None:
    runs = [tracked(0)]
    none = build_table(runs, published=published({"shots": 5}))
    assert none.ours == build_table(runs).ours
    assert NONE_PUBLISHED_NOTE in none.notes
    some = build_table(runs, published=published({}))
    assert PUBLISHED_NOTE in some.notes
    assert NONE_PUBLISHED_NOTE not in some.notes
    assert not {PUBLISHED_NOTE, NONE_PUBLISHED_NOTE} & {*build_table(runs).notes}
