"""Accuracy against cost: which methods no other beats at less."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from fewshot_bench.report.figures.labels import ends_of, label_points
from fewshot_bench.report.figures.protocol import (
    caption_of,
    interval_note,
    names_of,
    require_one,
)
from fewshot_bench.report.figures.style import (
    INK,
    MUTED,
    draw_point,
    explain,
    new_figure,
    styled,
)

Floats = NDArray[np.float64]

_HEIGHT = 5.6  # inches
_NOTE = (
    "on the machine of each run; neither counts the pretraining and embeddings that methods share"
)


@styled
def cost_figure(frame: pd.DataFrame) -> Figure:
    """Draw accuracy against milliseconds an episode, and against minutes of meta-training.

    Args:
        frame: cells of one protocol, see `cells`.

    Raises:
        UsageError: they are of several protocols.
    """
    require_one(frame, "cost", free=("backbone",))
    figure = new_figure(_HEIGHT)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    names, accuracy = names_of(frame), 100 * frame["mean"].to_numpy(float)
    costs = [frame["ms_per_episode"].to_numpy(float), frame["train_seconds"].to_numpy(float) / 60]
    for axes, cost in zip((left, right), costs, strict=True):
        axes.grid()
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        _points(axes, _shown(cost), frame)
    left.set(xlabel="milliseconds an episode", ylabel="accuracy, %")
    right.set_xlabel("minutes of meta-training")
    caption = caption_of(frame, interval_note(frame), "line: no method is better at less", _NOTE)
    explain(figure, "Accuracy against cost", caption, set(frame["setting"]))
    for axes in (left, right):
        axes.margins(x=0.12)
    if (costs[1] == 0).any():
        _without(right, costs[1])
    for axes, cost in zip((left, right), costs, strict=True):
        _front_and_names(axes, cost, accuracy, frame, names)
    return figure


def pareto(costs: Sequence[float] | Floats, values: Sequence[float] | Floats) -> list[int]:
    """Find what nothing else beats: places of the best at each cost, cheapest first.

    One that costs less and is as good, or is better and costs no more, beats another; of two that
    are equal in both the first stays.

    Example:
        >>> pareto([1.0, 2.0, 2.0, 3.0], [60.0, 70.0, 65.0, 70.0])
        [0, 1]
    """
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -values[i], i)):
        if not front or values[i] > values[front[-1]]:
            front.append(i)
    return front


def _shown(cost: Floats) -> Floats:
    """Where costs stand on an axis of logarithms: none stands left of the least."""
    least = cost[cost > 0].min(initial=np.inf)
    none = least / 4 if np.isfinite(least) else 1.0
    return np.where(cost > 0, cost, none)


def _points(axes: Axes, places: Floats, frame: pd.DataFrame) -> None:
    for place, cell in zip(places, frame.to_dict("records"), strict=True):
        draw_point(axes, cell["setting"], place, 100 * cell["mean"], yerr=100 * cell["ci95"])


def _without(axes: Axes, cost: Floats) -> None:
    """Set what costs nothing apart, and say so."""
    none, least = _shown(cost).min(), cost[cost > 0].min(initial=np.inf)
    ticks = [tick for tick in axes.get_xticks() if least / 1.5 <= tick <= cost.max() * 1.5]
    axes.set_xlim(none / 1.6, max(cost.max() * 3, none * 2))
    axes.set_xticks([none, *ticks], ["none", *(f"{tick:g}" for tick in ticks)])
    if np.isfinite(least):
        axes.axvline(2 * none, color="0.8", lw=0.8, ls=(0, (1, 2)))


def _front_and_names(
    axes: Axes, cost: Floats, accuracy: Floats, frame: pd.DataFrame, names: Sequence[str]
) -> None:
    """Draw the line of what nothing beats, and name the points: of those without cost the best."""
    front, places = pareto(cost, accuracy), _shown(cost)
    axes.step(places[front], accuracy[front], where="post", color=MUTED, lw=1, zorder=1)
    named = [i for i in range(len(cost)) if cost[i] > 0 or i in front]
    looks = [
        {"fontsize": 7.6, "color": INK if i in front else MUTED}
        | ({"fontweight": "bold"} if i in front else {})
        for i in named
    ]
    points = np.stack([places, accuracy], axis=1)
    widths = 100 * frame["ci95"].fillna(0).to_numpy(float)[:, None] * (0, 1)
    bars = ends_of(points, widths)
    steps = np.repeat(points[front], 2, axis=0)
    corners = np.stack([steps[1:, 0], steps[:-1, 1]], axis=1)
    bars = np.concatenate([bars, np.stack([corners[:-1], corners[1:]], axis=1)])
    label_points(axes, points[named], [names[i] for i in named], looks, bars)
