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
_SIDE = 0.42  # room for names on each side, as a share of the line of ranks


def ranks_figure(frame: pd.DataFrame) -> Figure:
    """Draw the average ranks of methods over all columns of a table in which each of them stands.

    Args:
        frame: cells of one split, see `cells`.

    Raises:
        UsageError: less than two methods stand in the same two columns.
    """
    frame = frame.assign(name=names_of(frame))
    columns = frame.groupby(COLUMN, sort=True).ngroup()
    means = frame.assign(column=columns).pivot_table(index="column", columns="name", values="mean")
    complete = means.dropna(axis="columns")
    n, k = complete.shape
    if n < 2 or k < 2:
        raise UsageError(
            f"ranks are averages over several columns of a table that have the same methods, and "
            f"{k} of these methods stand in all {n}; choose columns with --shots or --dataset, "
            "methods with --method, or run what lacks"
        )
    found = average_ranks(complete.to_numpy(float))
    settings = frame.drop_duplicates("name").set_index("name")["setting"]
    names = list(complete)
    n_out = means.shape[1] - k
    notes = [
        f"ranks over {n} columns: {_told(frame)}",
        "bars join ranks within the critical difference (Nemenyi, 5 %)",
        f"Friedman's test that all are alike: p {_p_text(found.p_value)}",
        f"not drawn, for want of a column: {n_out}" if n_out else "",
    ]
    return draw_ranks(names, settings[names].tolist(), found, caption_of(frame, *notes))


def _told(frame: pd.DataFrame) -> str:
    """Name columns by what differs between them."""
    labels = (frame["dataset"] + " " + frame["label"]).drop_duplicates()
    return ", ".join(labels) if len(labels) <= 4 else f"{', '.join(labels[:3])}, ..."


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
    axes.set_xlim(*_limits(n, ranks.average))
    axes.set_ylim(height, -0.75)  # inches below the line of ranks
    axes.axis("off")
    _scale(axes, ranks.critical_difference)
    _bars(axes, ranks.average[order], cliques)
    texts, facts = lettered([names[i] for i in order])
    for place, method in enumerate(order):
        left = place < half
        below = depth + _LINE * (place if left else n - 1 - place)
        end = _End(texts[place], float(ranks.average[method]), settings[method], below, left)
        _name(axes, end, facts)
    explain(figure, "Average ranks", caption, set(settings))
    return figure


@dataclass(frozen=True)
class _End:
    """A name at its side of the diagram, `below` the line of ranks by so many inches."""

    text: str
    rank: float
    setting: str
    below: float
    left: bool


def _limits(n: int, ranks: Floats) -> tuple[float, float]:
    """Whole ranks around all that there are, with room on both sides for the names."""
    low, high = max(1.0, np.floor(ranks.min())), min(float(n), np.ceil(ranks.max()))
    margin = _SIDE * max(high - low, 1.0)
    return float(low - margin), float(high + margin)


def _levels(groups: Sequence[tuple[int, int]]) -> int:
    return max((level for level, _ in _stacked(groups)), default=-1) + 1


def _stacked(groups: Sequence[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Give each bar the highest level on which it touches no other."""
    ends: list[int] = []
    found = []
    for first, last in groups:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        found.append((level, (first, last)))
    return found


def _scale(axes: Axes, critical_difference: float) -> None:
    low, high = axes.get_xlim()
    margin = _SIDE / (1 + 2 * _SIDE) * (high - low)
    first, last = round(low + margin), round(high - margin)
    axes.plot([first, last], [0, 0], color=INK, lw=1)
    step = max(1, (last - first) // 10)
    for rank in range(first, last + 1, step):
        axes.plot([rank, rank], [0, -0.07], color=INK, lw=1)
        axes.text(rank, -0.12, str(rank), ha="center", va="bottom", fontsize=8.8)
    axes.plot([first, first + critical_difference], [-0.5, -0.5], color=INK, lw=1.6)
    for end in (first, first + critical_difference):
        axes.plot([end, end], [-0.54, -0.46], color=INK, lw=1.6)
    words = f"critical difference {critical_difference:.2g}"
    axes.text(first + critical_difference, -0.5, f"  {words}", va="center", fontsize=8.8)


def _bars(axes: Axes, ranks: Floats, groups: Sequence[tuple[int, int]]) -> None:
    pad = 0.004 * float(np.ptp(axes.get_xlim()))
    for level, (first, last) in _stacked(groups):
        below = 0.13 + _BAR * level
        ends = [float(ranks[first]) - pad, float(ranks[last]) + pad]
        axes.plot(ends, [below, below], color=INK, lw=3.2, solid_capstyle="butt")


def _name(axes: Axes, end: _End, facts: dict[str, Any]) -> None:
    """Write a name on its side, with a line that leads to its rank."""
    low, high = axes.get_xlim()
    margin = _SIDE / (1 + 2 * _SIDE) * (high - low) * 0.93
    edge = low + margin if end.left else high - margin
    path = [end.rank, end.rank, edge], [0, end.below, end.below]
    axes.plot(*path, color=MUTED, lw=0.7, zorder=1)
    axes.plot([edge], [end.below], ls="", **SETTINGS[end.setting])
    axes.annotate(
        f"{end.text} {end.rank:.2f}" if end.left else f"{end.rank:.2f} {end.text}",
        (edge, end.below),
        (-6 if end.left else 6, 0),
        textcoords="offset points",
        ha="right" if end.left else "left",
        va="center",
        fontsize=8.8,
        **facts,
    )
