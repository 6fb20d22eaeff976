"""CSV is read back with Python's own reader."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.utilities.csv_text import csv_text

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
CELLS = st.text(max_size=8) | st.text("=+-@\t\r\n,\"' 1a", max_size=4)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), CELLS)
def test_every_text_reads_back_and_none_is_a_formula(
    rows: list[tuple[str, str]], name: str
) -> None:
    frame = pd.DataFrame(rows, columns=[name, f"{name}2"]).assign(number=-1.5)
    head, *lines = read(csv_text(frame))
    assert head == [guarded(name), guarded(f"{name}2"), "number"]
    assert lines == [[*map(guarded, row), "-1.5"] for row in rows]
    assert not any(cell.startswith(FORMULAS) for line in lines for cell in line[:2])


def test_numbers_are_numbers_in_whatever_column() -> None:
    mixed = pd.Series([-5, "-5", -0.5, None, True], dtype=object)
    frame = pd.DataFrame(
        {"n": [-1, 2, 3, 4, 5], "x": [-1e300, 0.1, float("nan"), 1, 2], "m": mixed}
    )
    lines = [["-1", "-1e+300", "-5"], ["2", "0.1", "'-5"], ["3", "", "-0.5"], ["4", "1.0", ""]]
    assert read(csv_text(frame))[1:] == [*lines, ["5", "2.0", "True"]]


@pytest.mark.parametrize("rows", [[], [("a",)]])
def test_what_needs_no_care_is_written_as_ever(rows: list[tuple[str]]) -> None:
    frame = pd.DataFrame(rows, columns=["name"])
    assert csv_text(frame) == frame.to_csv(index=False, lineterminator="\n")
