"""One episode before, while and after a method refines its answers: what do the queries change?"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.labels import ends_of, label_points
from fewshot_bench.report.figures.refined import (
    Flat,
    Floats,
    Labels,
    RefinedEpisode,
    Step,
    changes,
    projected,
    shortened,
    summary,
)
from fewshot_bench.report.figures.style import (
    COLOURS,
    INK,
    MUTED,
    explain,
    lettered,
    new_figure,
    styled,
)

_MARKS = "osD^vPXp<>"  # of classes
_PANEL, _STRIP, _MARGIN = 3.3, 1.15, 0.9  # inches
_MOST_CLASSES, _MOST_IMAGES = 10, 8
_NAME, _NAME_BELOW = 14, 10  # characters of a class name, in a panel and below an image
_KEY = (
    "a query's shape and colour: its true class; filled: answered right, open: wrong; ringed: "
    "answered otherwise than at first · large: {} and their way · plane: where the true class "
    "means lie furthest apart"
)


@styled
def episode_figure(episode: RefinedEpisode, title: str, caption: str) -> Figure:
    """Draw each step in a panel, all in one projection, and the queries whose answers changed.

    Raises:
        UsageError: there are more classes than can be told apart.
    """
    n_way, steps = len(episode.classes), episode.steps
    if n_way > _MOST_CLASSES:
        raise UsageError(
            f"an episode of {n_way} classes cannot be drawn, and one of {_MOST_CLASSES} can; "
            "choose another run with --ways"
        )
    columns = min(2, len(steps))
    n_rows = -(-len(steps) // columns)
    changed = changes(episode)
    pictures = episode.images is not None and len(changed) > 0
    heights = [_PANEL] * n_rows + [_STRIP] * pictures
    figure = new_figure(_MARGIN + sum(heights))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    flat = projected(episode)
    panels = []
    for place, step in enumerate(steps):
        panel = figure.add_subplot(grid[place // columns, place % columns])
        _panel(panel, episode, step, flat, place)
        panels.append(panel)
    if pictures:
        _strip(figure, grid[n_rows, :], episode, changed)
    marks = (
        "means of what was taken for each class" if steps[0].weights is None else "class weights"
    )
    key = _KEY.format(marks) + (" · images: first → last answer" if pictures else "")
    explain(figure, title, f"{summary(episode)} · {caption} · {key}")
    for panel, ways in zip(panels, flat.paths, strict=True):
        _name_classes(panel, episode, flat, ways)
    return figure


def _panel(panel: Axes, episode: RefinedEpisode, step: Step, flat: Flat, place: int) -> None:
    """Draw queries: filled if answered right, ringed if answered otherwise than at first."""
    right = step.answers == episode.query_labels
    moved = step.answers != episode.steps[0].answers
    for label in range(len(episode.classes)):
        own, colour = episode.query_labels == label, COLOURS[label % len(COLOURS)]
        look: dict[str, Any] = {"marker": _MARKS[label], "s": 26, "linewidths": 1.0}
        panel.scatter(*_columns(flat.query[own & right]), color=colour, **look)
        open_ones = _columns(flat.query[own & ~right])
        panel.scatter(*open_ones, facecolors="none", edgecolors=colour, **look)
        way = flat.paths[place][label]
        panel.plot(*way.T, color=INK, lw=1.2, zorder=3)
        panel.plot(*way[0], "o", color=INK, ms=3, zorder=3)
        look |= {"s": 110, "linewidths": 1.4, "edgecolors": INK, "zorder": 4}
        panel.scatter(*_columns(way[-1:]), color=colour, **look)
    ringed = _columns(flat.query[moved])
    panel.scatter(*ringed, s=90, facecolors="none", edgecolors=INK, linewidths=0.9)
    title = f"k = {step.number}: {right.sum()} of {len(right)} right"
    panel.set_title(title, loc="left")
    (left, bottom), (right_end, top) = flat.limits
    panel.set(xticks=[], yticks=[], xlim=(left, right_end), ylim=(bottom, top))
    panel.spines[:].set_visible(True)


def _columns(points: Floats) -> tuple[Floats, Floats]:
    return points[:, 0], points[:, 1]


def _name_classes(panel: Axes, episode: RefinedEpisode, flat: Flat, ways: Floats) -> None:
    """Write the names of the classes beside their marks, off the queries and the ways."""
    names = shortened(episode.classes, _NAME)
    reach = 0.012 * np.ptp(np.stack(flat.limits), axis=0)
    marks = ends_of(flat.query, reach)
    lines = np.stack([ways[:, :-1], ways[:, 1:]], axis=2).reshape(-1, 2, 2)
    looks = [{"fontsize": 8.4, "fontweight": "bold"}] * len(names)
    label_points(panel, ways[:, -1], names, looks, np.concatenate([marks, lines]), 6.0)


def _strip(figure: Figure, place: SubplotSpec, episode: RefinedEpisode, changed: Labels) -> None:
    """Show queries whose answers changed, with what they were taken for."""
    assert episode.images is not None
    shown = changed[:_MOST_IMAGES]
    grid = GridSpecFromSubplotSpec(1, _MOST_IMAGES, place)
    first, last = episode.steps[0].answers, episode.steps[-1].answers
    names, facts = lettered(shortened(episode.classes, _NAME_BELOW))
    for column, query in enumerate(shown):
        axes = figure.add_subplot(grid[0, column])
        image = episode.images[query]
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        verdict = "✓" if last[query] == episode.query_labels[query] else "✗"
        told = f"{names[first[query]]}\n→ {names[last[query]]} {verdict}"
        axes.set_xlabel(told, fontsize=7.2, color=MUTED, labelpad=2, **facts)
