"""Published numbers beside ours: theirs, ours, the difference, and in what the protocols differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from fewshot_bench.report.cells import ROW, columns_of
from fewshot_bench.report.pairing import (
    Facts,
    difference,
    differences,
    same_method,
    same_protocol,
)
from fewshot_bench.report.section import Cell, Column, Row, Section

_ENTRY = ["setting", "year", "published_as", "network", "paper", "query_balance", "extra_data"]
_ENTRY += ["method", "backbone", "settings"]


@dataclass(frozen=True)
class _Place:
    """A column of ours, and whether published numbers may stand beside it."""

    column: Column
    protocol: Facts
    paired: bool


def beside(ours: Section, frame: pd.DataFrame, theirs: pd.DataFrame) -> Section:
    """Put published numbers into the rows of our results, and those that we lack below.

    Args:
        ours: one row for each group of `ROW` in `frame`, in that order.
        frame: its cells.
        theirs: as `theirs_for` returns them.

    Returns:
        Columns of ours, each that has published numbers followed by two: those and the
        difference. A row of ours stands once for each published row of its method, backbone and
        settings; a published row that we have no run of has no number of ours.
    """
    places = _places(ours, frame, theirs)
    entries = [group.to_dict("records") for _, group in theirs.groupby(_ENTRY)]
    groups = [group.to_dict("records") for _, group in frame.groupby(ROW)]
    rows: list[Row] = []
    found: set[int] = set()
    for row, mine in zip(ours.rows, groups, strict=True):
        fitting = [i for i, e in enumerate(entries) if any(same_method(m, e[0]) for m in mine)]
        rows += [_joined(row, mine, entries[i], places) for i in fitting]
        rows += [] if fitting else [_joined(row, mine, (), places)]
        found.update(fitting)
    lacking = [entry for i, entry in enumerate(entries) if i not in found]
    rows += [_joined(_unmeasured(entry[0], places), (), entry, places) for entry in lacking]
    rows.sort(key=lambda row: row.setting)
    return Section(tuple(_columns(places)), tuple(rows), published=True)


def _places(ours: Section, frame: pd.DataFrame, theirs: pd.DataFrame) -> Sequence[_Place]:
    protocols = {Column(c["dataset"], c["label"]): c for c in columns_of(frame)}
    facts: Sequence[Facts] = theirs.to_dict("records")
    return [
        _Place(column, protocols[column], any(same_protocol(protocols[column], t) for t in facts))
        for column in ours.columns
    ]


def _columns(places: Sequence[_Place]) -> Iterable[Column]:
    for place in places:
        yield place.column
        if place.paired:
            yield replace(place.column, label=f"{place.column.label}, published")
            yield replace(place.column, label=f"{place.column.label}, difference")


def _unmeasured(theirs: Facts, places: Sequence[_Place]) -> Row:
    """A row for a published one that no run of ours stands beside."""
    names = theirs["setting"], theirs["method"], theirs["network"]
    return Row(*names, (None,) * len(places))


def _joined(
    row: Row, mine: Sequence[Facts], entry: Sequence[Facts], places: Sequence[_Place]
) -> Row:
    """One row: our cells, and beside each that has one the published number."""
    cells: list[Cell | None] = []
    said: list[tuple[Facts, list[str]]] = []
    for place, cell in zip(places, row.cells, strict=True):
        theirs = next((t for t in entry if same_protocol(place.protocol, t)), None)
        own = next((m for m in mine if _column(m) == place.column), None)
        both = (own, theirs) if own and theirs and same_method(own, theirs) else None
        cells.append(cell)
        if place.paired:
            cells.append(Cell(_text(theirs)) if theirs else None)
            cells.append(Cell(f"{difference(*both):+.2f}") if both else None)
        if both:
            said.append((both[1], differences(*both)))
    if not entry:
        return replace(row, cells=tuple(cells))
    sources = dict.fromkeys(t["source_url"] for t in entry)
    return replace(
        row,
        cells=tuple(cells),
        published_as=entry[0]["published_as"],
        differs="; ".join(_merged(said)),
        source="; ".join([entry[0]["paper"], *sources]),
    )


def _merged(said: Sequence[tuple[Facts, list[str]]]) -> list[str]:
    """Words that hold in all columns once, others with the shots that they hold for."""
    words = dict.fromkeys(word for _, each in said for word in each)
    where = {w: [theirs["shots"] for theirs, each in said if w in each] for w in words}
    return [
        word if len(shots) == len(said) else f"{word} ({', '.join(f'{k}-shot' for k in shots)})"
        for word, shots in where.items()
    ]


def _column(mine: Facts) -> Column:
    return Column(mine["dataset"], mine["label"])


def _text(theirs: Facts) -> str:
    interval = f" ± {theirs['ci95']}" if theirs["ci95"] else ""
    return f"{theirs['accuracy']}{interval}{'' if theirs['confirmed'] == 'yes' else '*'}"
