"""CSV that a spreadsheet opens without computing anything."""

import csv
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pandas import DataFrame, Series

# What a cell may begin with that makes a formula of it in some spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(frame: "DataFrame") -> str:
    """Write a table as CSV, without its index; numbers are numbers, and texts are never formulas.

    A text that a spreadsheet would take for a formula begins with an apostrophe, as one types it
    there; every other text reads back as it was.
    """
    guarded = frame.apply(_guarded_column).rename(columns=_guarded)
    texts = (cell for line in guarded.items() for cell in line[1] if isinstance(cell, str))
    # Bare, a carriage return would be read as the end of a line.
    torn = any("\r" in text for text in (*guarded.columns, *texts))
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if torn else csv.QUOTE_MINIMAL
    text: str = guarded.to_csv(index=False, lineterminator="\n", quoting=quoting)
    return text


def _guarded_column(column: "Series") -> "Series":
    """Guard texts; a column of numbers stays as exact, and as short, as its type is."""
    if column.dtype.kind in "biuf":
        return column
    cells = [_guarded(cell) for cell in column]
    return type(column)(cells, index=column.index, dtype=object)


def _guarded(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
