"""What the runs of a table cost, in columns of its own."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from fewshot_bench.report.cells import columns_of, row_names
from fewshot_bench.report.section import Cell, Column, Section

_Facts = Mapping[Hashable, Any]


def with_costs(section: Section, frame: pd.DataFrame) -> Section:
    """Add columns of minutes of training, where there is any, and of milliseconds an episode.

    Args:
        section: of the cells, perhaps with published numbers, which cost us nothing.
        frame: its cells.
    """
    facts = {(row_names(f), _column(f)): f for f in frame.to_dict("records")}
    columns: list[Column] = []
    measures: list[tuple[Column, Callable[[_Facts], str]]] = []
    for each in columns_of(frame):
        column = _column(each)
        trained = any(f["train_seconds"] for (_, c), f in facts.items() if c == column)
        for unit, measure in [("minutes", _minutes)] * trained + [("ms", _milliseconds)]:
            columns.append(Column(column.dataset, f"{column.label}, {unit}", cost=True))
            measures.append((column, measure))
    rows = []
    for row in section.rows:
        ours = any(cell and cell.run_ids for cell in row.cells)
        found = [facts.get((row.names, column)) if ours else None for column, _ in measures]
        told = zip(found, measures, strict=True)
        costs = [Cell(measure(fact)) if fact else None for fact, (_, measure) in told]
        rows.append(replace(row, cells=(*row.cells, *costs)))
    return replace(section, columns=(*section.columns, *columns), rows=tuple(rows))


def _column(facts: _Facts) -> Column:
    return Column(facts["dataset"], facts["label"])


def _minutes(facts: _Facts) -> str:
    return f"{facts['train_seconds'] / 60:.1f}" if facts["train_seconds"] else "0"


def _milliseconds(facts: _Facts) -> str:
    return f"{facts['ms_per_episode']:.3g}"
