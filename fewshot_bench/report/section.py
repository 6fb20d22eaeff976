"""The parts of a table, without a format: columns, rows of cells, and the notes below."""

from dataclasses import dataclass
from itertools import groupby

FIXED = ("Setting", "Method", "Backbone")
BESIDE = "Published as"  # stands before the numbers where published ones are among them
AFTER = ("Differs", "Source")  # and these behind them


@dataclass(frozen=True)
class Column:
    """A column: a data set and what its cells have in common; `cost`: it says what they took."""

    dataset: str
    label: str
    cost: bool = False

    def __str__(self) -> str:
        return f"{self.dataset} {self.label}"


@dataclass(frozen=True)
class Cell:
    """What stands in one place, and the runs that it comes from (none for published ones)."""

    text: str
    best: bool = False
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A method with a backbone; `cells` has one entry a column, None where nothing is known.

    The last three say what published row stands beside ours, in what the protocols differ and
    where it was read; '' if none does.
    """

    setting: str
    method: str
    backbone: str
    cells: tuple[Cell | None, ...]
    published_as: str = ""
    differs: str = ""
    source: str = ""

    @property
    def names(self) -> tuple[str, str, str]:
        """The entries of the columns `FIXED`."""
        return self.setting, self.method, self.backbone


@dataclass(frozen=True)
class Section:
    """Rows that share columns, inductive ones first; `published`: others' numbers are there."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    published: bool = False

    @property
    def before(self) -> tuple[str, ...]:
        """The columns of names that stand before the numbers."""
        return (*FIXED, BESIDE) if self.published else FIXED

    @property
    def after(self) -> tuple[str, ...]:
        """The columns of texts that stand behind them."""
        return AFTER if self.published else ()

    def names(self, row: Row) -> tuple[str, ...]:
        """The entries of the columns `before`."""
        return (*row.names, row.published_as)[: len(self.before)]

    def texts(self, row: Row) -> tuple[str, ...]:
        """The entries of the columns `after`."""
        return (row.differs, row.source)[: len(self.after)]

    def groups(self) -> list[tuple[str, list[Row]]]:
        """Rows by setting."""
        return [(s, list(rows)) for s, rows in groupby(self.rows, key=lambda row: row.setting)]


@dataclass(frozen=True)
class Table:
    """Our results, perhaps beside published ones, the notes that go below, and a title."""

    title: str
    ours: Section
    notes: tuple[str, ...]
