"""Accuracies with their intervals: a panel for each number of shots, a line a method."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.protocol import (
    caption_of,
    interval_note,
    names_of,
    require_one,
)
from fewshot_bench.report.figures.style import SETTINGS, explain, lettered, new_figure, styled

LINE, MARGIN = 0.185, 1.75  # inches


@dataclass(frozen=True)
class Accuracy:
    """What is drawn as one point.

    Attributes:
        method: its name, as the axis shows it.
        setting: ``inductive`` or ``transductive``.
        n_shot: labelled images a class.
        mean: accuracy in percent.
        ci95: half-width of its interval, in percent.
    """

    method: str
    setting: str
    n_shot: int
    mean: float
    ci95: float


def accuracies_figure(frame: pd.DataFrame) -> Figure:
    """Draw the cells of one protocol, whose shots may differ; see `cells`.

    Raises:
        UsageError: they are of several protocols.
    """
    require_one(frame, "accuracies", free=("n_shot", "backbone"))
    facts = zip(
        names_of(frame),
        frame["setting"],
        frame["n_shot"].astype(int),
        100 * frame["mean"],
        100 * frame["ci95"],
        strict=True,
    )
    caption = caption_of(frame, interval_note(frame))
    return draw_accuracies([Accuracy(*each) for each in facts], "Accuracy by method", caption)


@styled
def draw_accuracies(rows: Sequence[Accuracy], title: str, caption: str = "") -> Figure:
    """Draw accuracies with 95 % intervals, the best at the fewest shots on top.

    Raises:
        UsageError: there is nothing to draw, or two accuracies of one method at the same shots.
    """
    by_place = {(row.n_shot, row.method): row for row in rows}
    if not rows or len(by_place) < len(rows):
        raise UsageError("a figure shows one accuracy of each method and number of shots")
    shots = sorted({row.n_shot for row in rows})
    names = _sorted(rows, shots)
    figure = new_figure(MARGIN + LINE * len(names))
    panels = figure.subplots(1, len(shots), sharey=True, squeeze=False)[0]
    for panel, n_shot in zip(panels, shots, strict=True):
        _panel(panel, [by_place.get((n_shot, name)) for name in names])
        panel.set_title(f"{n_shot}-shot")
    texts, facts = lettered(names)
    panels[0].set_yticks(range(len(names)), texts, **facts)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    explain(figure, title, caption, {row.setting for row in rows})
    return figure


def _sorted(rows: Sequence[Accuracy], shots: Sequence[int]) -> list[str]:
    """Names of the methods, from the best at the fewest shots down; those without come last."""
    means = {(row.method, row.n_shot): row.mean for row in rows}
    names = {row.method for row in rows}
    return sorted(names, key=lambda name: [*(-means.get((name, k), -1.0) for k in shots), name])


def _panel(panel: Axes, rows: Sequence[Accuracy | None]) -> None:
    """Draw one number of shots; a method that was not measured leaves its line empty."""
    for place, row in enumerate(rows):
        if row is not None:
            style = SETTINGS[row.setting]
            panel.errorbar(row.mean, place, xerr=row.ci95, capsize=2.2, lw=1.3, **style)
    panel.grid(axis="x")
    panel.grid(axis="y", color="0.93")
    panel.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    panel.set_xlabel("accuracy, %")
