"""The report on speed: which aims were met, which missed, and what is still to measure."""

from pathlib import Path

import pytest

from bench.measure import Measured, Side, load
from bench.plots import draw
from bench.report import verdict, write_report
from bench.rows import ROWS
from tests.bench.measured import found


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [(30_000, 500, "met"), (9_000, 100, "missed"), (30_000, 3_000, "missed")],
)
def test_both_aims_count(ours: float, theirs: float, said: str) -> None:
    assert verdict(ROWS[0], found(ours, theirs)) == said


def test_results_that_differ_miss_the_aim() -> None:
    row = next(row for row in ROWS if row.name == "maml-28")
    sides = (Side((2.0,), None, 1.0), Side((1.0,), None, 1.0, {"difference": 1e-3}))
    assert verdict(row, Measured(row.name, *sides, {})).startswith("missed: results differ")


def test_the_report_names_what_is_missing() -> None:
    report = write_report({"proto-net": found(30_000, 500)})
    assert "| 30,000 episodes/s | 500 episodes/s | **60** |" in report
    assert "Not measured yet: `simple-shot`" in report
    assert "`growth-images`." in report


def test_more_memory_than_the_peer_misses_the_aim() -> None:
    row = next(row for row in ROWS if row.name == "maml-84")
    difference = {"difference": 1e-9}
    fat, lean = Side((2.0,), None, 300.0), Side((1.0,), None, 200.0, difference)
    assert verdict(row, Measured(row.name, fat, lean, {})) == "missed: more memory"
    lean, fat = Side((2.0,), None, 100.0), Side((1.0,), None, 200.0, difference)
    assert verdict(row, Measured(row.name, lean, fat, {})) == "met"


def test_a_missed_row_comes_with_its_profile(tmp_path: Path) -> None:
    measured = found(9_000, 5_000)
    measured.facts["profile"] = {"aten::bmm": 0.75}
    measured.save(tmp_path)
    report = write_report(load(tmp_path))
    assert "Profile: `aten::bmm` 75 %." in report.split("## Rows that miss their aim")[1]
    assert "miss their aim" not in write_report({"proto-net": found(90_000, 500)})


def test_limits_and_growth_are_reported_and_drawn(tmp_path: Path) -> None:
    facts = {"quick": False, "threads": 2, "commit": "abc"}
    sizes = {"100": 1.0, "1000": 10.0, "10000": 1000.0}
    measured = {
        "help": Measured("help", Side((0.4, 0.3, 0.9), None, 1.0), None, facts),
        "growth-episodes": Measured("growth-episodes", Side((0.0,), None, 1.0, sizes), None, facts),
    }
    report = write_report(measured)
    assert "| `fsbench --help` | 0.4 s | 0.5 s: met |" in report
    assert "| 100 to 10,000 | 1 to 1,000 s | 2.00 |" in report
    draw(measured, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
