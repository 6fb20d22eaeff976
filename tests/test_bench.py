"""The benchmark's helpers: rows are kept and reported, patches fit or say so."""

from pathlib import Path

import pytest

from bench.measure import Measured, Side, load
from bench.peers import Patch, apply
from bench.report import verdict, write_report
from bench.rows import ROWS


def found(ours: float, theirs: float) -> Measured:
    facts = {"quick": False, "threads": 2}
    sides = (Side((1.0, ours, 1e9), 0.5, 100.0), Side((theirs,), None, 200.0))
    return Measured("proto-net", *sides, facts)


def test_rows_are_kept(tmp_path: Path) -> None:
    measured = found(30_000, 500)
    measured.save(tmp_path)
    assert load(tmp_path) == {"proto-net": measured}
    assert measured.ratio == 60


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
    assert "| 30,000 episodes/s | 500 episodes/s | **60.0** |" in report
    assert "Not measured yet: `simple-shot`" in report


def test_a_patch_fits_once_or_says_so(tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text("old\n")
    patch = Patch("peer.py", "old", "new", "why")
    apply(patch, tmp_path)
    assert (tmp_path / "peer.py").read_text() == "new\n"
    with pytest.raises(RuntimeError, match="not the file"):
        apply(patch, tmp_path)
