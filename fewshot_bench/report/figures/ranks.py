"""The critical-difference diagram: average ranks, and which of them differ (Demsar 2006)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import COLUMN
from fewshot_bench.report.figures.protocol import caption_of, names_of
from fewshot_bench.report.figures.style import (
    INK,
    MUTED,
    SETTINGS,
    explain,
    lettered,
    new_figure,
    styled,
)
from fewshot_bench.statistics.ranks import Ranks, average_ranks

Floats = NDArray[np.float64]

_LINE, _MARGIN = 0.2, 1.55  # inches
_BAR = 0.13  # inches between bars
_TELLING = {"dataset": "{}", "n_way": "{}-way", "n_shot": "{}-shot", "query_balance": "{}"}
_LONGEST = 26  # characters of a name
_MOST_TOLD = 8  # columns that the caption names
_SIDE = 0.42  # room for names on each side, as a share of the line of ranks
_SPACE = 0.07  # of it between names and line


def ranks_figure(frame: pd.DataFrame) -> Figure:
    """Draw average ranks over columns of a table: those, and the methods, that fill it best.

    Args:
        frame: cells of one split, see `cells`.

    Raises:
        UsageError: no two columns have the same two methods.
    """
    frame = frame.assign(name=names_of(frame, _LONGEST), column=frame.groupby(COLUMN).ngroup())
    means = frame.pivot_table(index="column", columns="name", values="mean")
    filled = complete_part(means)
    if not len(filled):
        raise UsageError(
            "ranks are averages over columns of a table that have the same methods, and no two "
            "of these columns have two methods in common; run what lacks, or choose less with "
            "--method"
        )
    frame = frame[frame["column"].isin(filled.index) & frame["name"].isin(filled.columns)]
    found = average_ranks(filled.to_numpy(float))
    settings = frame.drop_duplicates("name").set_index("name")["setting"]
    notes = [
        f"ranks over {len(filled)} columns: {_told(frame)}",
        "bars join ranks within the critical difference (Nemenyi, 5 %)",
        f"Friedman's test that all are alike: p {_p_text(found.p_value)}",
        _left_out(means, filled),
    ]
    names = [str(name) for name in filled]
    return draw_ranks(names, settings[names].tolist(), found, caption_of(frame, *notes))


def complete_part(means: pd.DataFrame) -> pd.DataFrame:
    """Choose rows and columns without a gap, as many cells as can be; empty if not two of each.

    Rows are taken by how full they are, so that the choice is quick and always the same.
    """
    fullest = means.notna().sum(axis=1).sort_values(ascending=False, kind="stable").index
    parts = [means.loc[fullest[:n]].dropna(axis=1) for n in range(2, len(means) + 1)]
    useful = [part for part in parts if part.shape[1] > 1]
    return max(useful, key=lambda part: part.size, default=means.iloc[:0]).sort_index()


def _left_out(means: pd.DataFrame, filled: pd.DataFrame) -> str:
    n_columns, n_methods = np.subtract(means.shape, filled.shape)
    gaps = (n_methods, "of the methods"), (n_columns, "of the columns")
    left = [f"{n} {what}" for n, what in gaps if n]
    return f"left out, for gaps: {' and '.join(left)}" if left else ""


def _told(frame: pd.DataFrame) -> str:
    """Name columns by the facts in which they differ."""
    facts = [fact for fact in _TELLING if len(set(frame[fact])) > 1]
    shown = frame[facts].drop_duplicates().to_dict("records")
    labels = [" ".join(_TELLING[fact].format(each[fact]) for fact in facts) for each in shown]
    return ", ".join(labels[:_MOST_TOLD]) + (", ..." if len(labels) > _MOST_TOLD else "")


def _p_text(p_value: float) -> str:
    return "< 0.0001" if p_value < 1e-4 else f"= {p_value:.4f}"


@styled
def draw_ranks(names: Sequence[str], settings: Sequence[str], ranks: Ranks, caption: str) -> Figure:
    """Draw average ranks on a line, the best on the left; bars join what may be alike.

    Args:
        names: of the methods, at least two.
        settings: of each.
        ranks: of each.
        caption: what was measured, and how.
    """
    n = len(names)
    order = np.argsort(ranks.average, kind="stable")
    places = {int(method): place for place, method in enumerate(order)}
    cliques = [(places[group[0]], places[group[-1]]) for group in ranks.groups]
    half = (n + 1) // 2
    depth = 0.3 + _BAR * _levels(cliques)
    height = depth + _LINE * half + 0.15
    figure = new_figure(_MARGIN + height)
    axes = figure.subplots()
    first, last = _ends(ranks)
    margin = _SIDE * (last - first)
    axes.set_xlim(first - margin, last + margin)
    axes.set_ylim(height, -0.8)  # inches below the line of ranks
    axes.axis("off")
    _scale(axes, first, last, ranks.critical_difference)
    _bars(axes, ranks.average[order], cliques)
    texts, facts = lettered([names[i] for i in order])
    for place, method in enumerate(order):
        left = place < half
        below = depth + _LINE * (place if left else n - 1 - place)
        edge = first - _SPACE * margin if left else last + _SPACE * margin
        end = _End(texts[place], float(ranks.average[method]), settings[method], edge, below, left)
        _name(axes, end, facts)
    explain(figure, "Average ranks", caption, set(settings))
    return figure


@dataclass(frozen=True)
class _End:
    """A name at its side of the diagram, from `edge` on, inches `below` the line of ranks."""

    text: str
    rank: float
    setting: str
    edge: float
    below: float
    left: bool


def _ends(ranks: Ranks) -> tuple[int, int]:
    """Whole ranks around all there are and, as far as there are ranks, the critical difference."""
    low = int(np.floor(ranks.average.min()))
    most = max(float(ranks.average.max()), low + ranks.critical_difference)
    return low, min(len(ranks.average), int(np.ceil(most)))


def _levels(groups: Sequence[tuple[int, int]]) -> int:
    return len({level for level, _ in _stacked(groups)})


def _stacked(groups: Sequence[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Give each bar the highest level on which it touches no other."""
    ends: list[int] = []
    found = []
    for first, last in groups:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        found.append((level, (first, last)))
    return found


def _scale(axes: Axes, first: int, last: int, critical_difference: float) -> None:
    axes.plot([first, last], [0, 0], color=INK, lw=1)
    step = max(1, (last - first) // 10)
    for rank in range(first, last + 1, step):
        axes.plot([rank, rank], [0, -0.07], color=INK, lw=1)
        axes.text(rank, -0.12, str(rank), ha="center", va="bottom", fontsize=8.8)
    end = min(first + critical_difference, last)
    axes.plot([first, end], [-0.45, -0.45], color=INK, lw=1.6)
    for place in (first, end):
        axes.plot([place, place], [-0.49, -0.41], color=INK, lw=1.6)
    words = f"critical difference {critical_difference:.2g}"
    words += ", more than the whole line" if end < first + critical_difference else ""
    axes.text(first, -0.55, words, va="bottom", fontsize=8.8)


def _bars(axes: Axes, ranks: Floats, groups: Sequence[tuple[int, int]]) -> None:
    pad = 0.004 * float(np.ptp(axes.get_xlim()))
    for level, (first, last) in _stacked(groups):
        below = 0.13 + _BAR * level
        ends = [float(ranks[first]) - pad, float(ranks[last]) + pad]
        axes.plot(ends, [below, below], color=INK, lw=3.2, solid_capstyle="butt")


def _name(axes: Axes, end: _End, facts: dict[str, Any]) -> None:
    """Write a name on its side, with a line that leads to its rank."""
    path = [end.rank, end.rank, end.edge], [0, end.below, end.below]
    axes.plot(*path, color=MUTED, lw=0.7, zorder=1)
    axes.plot([end.edge], [end.below], ls="", **SETTINGS[end.setting])
    axes.annotate(
        f"{end.text} {end.rank:.2f}" if end.left else f"{end.rank:.2f} {end.text}",
        (end.edge, end.below),
        (-6 if end.left else 6, 0),
        textcoords="offset points",
        ha="right" if end.left else "left",
        va="center",
        fontsize=8.8,
        **facts,
    )
