"""What runs took, in columns behind the numbers."""

from collections.abc import Sequence

import pytest

from fewshot_bench.report.costs import _milliseconds, _minutes
from fewshot_bench.report.section import Row
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked
from tests.report.test_beside import OTHER, published


def texts(rows: Sequence[Row]) -> list[list[str]]:
    return [[cell.text if cell else "" for cell in row.cells] for row in rows]


def test_costs_of_each_column_stand_behind_all_numbers() -> None:
    runs: list[TrackedRun] = [
        tracked(0, n_shot=5, train_seconds=0.0, ms_per_episode=2.5),
        tracked(1, train_seconds=90.0, ms_per_episode=0.5),
        tracked(2, train_seconds=0.0, method="tim", ms_per_episode=12.345),
    ]
    section = build_table(runs, cost=True).ours
    assert [str(column) for column in section.columns] == [
        *("cifar-fs 1-shot", "cifar-fs 5-shot", "cifar-fs 1-shot, minutes"),
        *("cifar-fs 1-shot, ms", "cifar-fs 5-shot, ms"),
    ]
    assert [column.cost for column in section.columns] == [False, False, True, True, True]
    number = "60.00 ± 0.40"
    assert texts(section.rows) == [
        [number, number, "1.5", "0.5", "2.5"],
        [number, "", "0", "12.3", ""],
    ]
    costs = [cell for row in section.rows for cell in row.cells[2:] if cell]
    assert not any(cell.best or cell.run_ids for cell in costs)


def test_published_numbers_cost_us_nothing() -> None:
    alone = {**OTHER, "method": "proto-net", "network": "conv4-64", "settings": "n_steps=5"}
    section = build_table([tracked(0)], cost=True, published=published(alone)).ours
    assert [row.names[1:] for row in section.rows] == [("proto-net", "conv4-64")] * 2
    assert texts(section.rows) == [
        ["60.00 ± 0.40", "", "", "1.5", "0.25"],
        ["", "70", "", "", ""],
    ]


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0.0, "0"), (1.0, "0.0"), (90.0, "1.5"), (6000.0, "100.0")]
)
def test_minutes_have_one_decimal_and_none_is_0(seconds: float, minutes: str) -> None:
    assert _minutes({"train_seconds": seconds}) == minutes


def test_milliseconds_have_three_digits() -> None:
    assert [_milliseconds({"ms_per_episode": ms}) for ms in (0.012345, 1.2345, 123.45)] == [
        *("0.0123", "1.23", "123")
    ]
