"""How runs become a table: columns, rows of cells, and what must be said below it."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.beside import beside
from fewshot_bench.report.cells import COLUMN, ROW, STREAM, cells, columns_of, latest, row_names
from fewshot_bench.report.costs import with_costs
from fewshot_bench.report.metric import ACCURACY, Metric
from fewshot_bench.report.notes import notes_below
from fewshot_bench.report.paired_cells import Accuracies, significance
from fewshot_bench.report.pairing import theirs_for
from fewshot_bench.report.section import Cell, Column, Row, Section, Table
from fewshot_bench.tracking.record import TrackedRun


def build_table(
    runs: Sequence[TrackedRun],
    *,
    metric: Metric = ACCURACY,
    published: pd.DataFrame | None = None,
    cost: bool = False,
    accuracies: Accuracies | None = None,
) -> Table:
    """Arrange runs, at least one, as a paper would.

    Args:
        runs: of any data sets and protocols; each gets columns of its own.
        metric: the number to show.
        published: others' accuracies, as `load_published` returns them, to stand beside ours.
        cost: add columns of what training and an episode took.
        accuracies: of the episodes of each run: mark what is not significantly worse than the best.

    Raises:
        UsageError: no run has the metric, or published numbers or significance are asked for
            beside another one, or published numbers beside ours on val.
    """
    _check(metric, published, accuracies)
    every = latest(runs)
    frame = cells(every, metric)
    if frame.empty:
        raise UsageError(
            f"none of these runs has a {metric.title}: earlier versions measured none; "
            "'fsbench run --force' measures them again"
        )
    untold = None
    if accuracies is not None:
        frame["best"], untold = significance(frame, accuracies)
    frame["text"] = [_text(cell) for cell in frame.to_dict("records")]
    drops = _drops(frame)
    shown = pd.concat([frame, drops]) if len(drops) else frame
    ours = _section(shown)
    theirs = None if published is None else theirs_for(frame, published)
    if theirs is not None and len(theirs):
        ours = beside(ours, shown, theirs)
    ours = with_costs(ours, frame) if cost else ours
    notes = notes_below(
        frame,
        metric,
        n_lacking=len(every) - int(frame["n_seeds"].sum()),
        untold=untold,
        cost=cost,
        drops=len(drops) > 0,
        n_published=None if theirs is None else len(theirs),
    )
    return Table(f"Few-shot {metric.title}", ours, tuple(notes))


def _check(metric: Metric, published: object, accuracies: object) -> None:
    """Refuse what there is of accuracies alone beside another metric."""
    if published is not None and metric is not ACCURACY:
        raise UsageError("published numbers are accuracies; leave --published or --metric out")
    if accuracies is not None and metric is not ACCURACY:
        raise UsageError("significance is that of accuracies; leave --significance or --metric out")


def _text(cell: dict[Hashable, Any]) -> str:
    text = f"{100 * cell['mean']:.2f}{_interval(100 * cell['ci95'])}"
    if cell["n_seeds"] > 1:
        text += f" (seeds {cell['n_seeds']}, sd {100 * cell['seed_sd']:.2f})"
    return text


def _interval(width: float) -> str:
    """Write the half-width of an interval; not all metrics have one, nor a single episode."""
    return "" if pd.isna(width) else f" ± {width:.2f}"


def _drops(frame: pd.DataFrame) -> pd.DataFrame:
    """What imbalanced queries change, as cells: one for each that has a balanced counterpart."""
    same = [*ROW, *(fact for fact in COLUMN if fact not in ("query_balance", "episode_digest"))]
    is_balanced = frame["query_balance"] == "balanced"
    pairs = frame[~is_balanced].merge(frame[is_balanced], on=same, suffixes=("", "_balanced"))
    changes = 100 * (pairs["mean"] - pairs["mean_balanced"])
    widths = 100 * (pairs["ci95"] ** 2 + pairs["ci95_balanced"] ** 2) ** 0.5
    return pairs.assign(
        text=[f"{c:+.2f}{_interval(w)}" for c, w in zip(changes, widths, strict=True)],
        run_ids=pairs["run_ids"] + pairs["run_ids_balanced"],
        label=pairs["label"] + " less balanced" + pairs["label_balanced"].map(_stream),
        query_balance=pairs["query_balance"] + " less balanced",
        best=False,
    )[frame.columns]


def _stream(label: str) -> str:
    """The part of a column's label that says which episodes, if there are several."""
    _, comma, stream = label.partition(STREAM)
    return comma + stream


def _section(frame: pd.DataFrame) -> Section:
    """Spread cells over rows and columns: those of `cells`, with their ``text``."""
    columns = tuple(Column(c["dataset"], c["label"]) for c in columns_of(frame))
    rows = []
    for _, group in frame.groupby(ROW):
        row = group.to_dict("records")
        found = {
            Column(c["dataset"], c["label"]): Cell(c["text"], c["best"], c["run_ids"]) for c in row
        }
        rows.append(Row(*row_names(row[0]), tuple(map(found.get, columns))))
    return Section(columns, tuple(rows))
