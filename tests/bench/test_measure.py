"""Measurements are kept."""

from pathlib import Path

from bench.measure import load
from tests.bench.measured import found


def test_rows_are_kept(tmp_path: Path) -> None:
    measured = found(30_000, 500)
    measured.save(tmp_path)
    assert load(tmp_path) == {"proto-net": measured}
    assert measured.ratio == 60
