"""One episode before, while and after a method refines its answers: what do the queries change?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.labels import label_points
from fewshot_bench.report.figures.style import (
    COLOURS,
    INK,
    MUTED,
    explain,
    lettered,
    new_figure,
    styled,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_MARKS = "osD^vPXp<>"  # of classes
_PANEL, _STRIP, _MARGIN = 3.3, 1.15, 0.9  # inches
_MOST_CLASSES, _MOST_IMAGES = 10, 8
_NAME, _NAME_BELOW = 14, 10  # characters of a class name, in a panel and below an image
_KEY = (
    "a query's shape and colour: its true class; filled: answered right, open: wrong; ringed: "
    "answered otherwise than at first · large: {} and their way · plane: where the true class "
    "means lie furthest apart"
)


@dataclass(frozen=True, eq=False)
class Step:
    """What was answered after some steps.

    Attributes:
        number: of steps.
        answers: class of each query, int64 ``[Q]``.
        weights: of the classes, of unit length, ``[n_way, D]``; None: the method has none.
    """

    number: int
    answers: Labels
    weights: Floats | None = None


@dataclass(frozen=True, eq=False)
class RefinedEpisode:
    """An episode, and all that was answered.

    Attributes:
        classes: names, by label.
        support, query: embeddings of unit length, ``[S, D]`` and ``[Q, D]``.
        support_labels, query_labels: what they are, int64 ``[S]`` and ``[Q]``.
        steps: in order; the first tells what there was before.
        images: of the queries, uint8 ``[Q, H, W, C]``, if they are images.
    """

    classes: Sequence[str]
    support: Floats
    support_labels: Labels
    query: Floats
    query_labels: Labels
    steps: Sequence[Step]
    images: NDArray[np.uint8] | None = None


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
    flat = _projected(episode)
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


@dataclass(frozen=True, eq=False)
class _Flat:
    """An episode in two dimensions.

    Attributes:
        query: ``[Q, 2]``.
        paths: of each step, how the mark of each class came where it is, ``[n_way, k, 2]``: class
            weights, or the means of all that was taken for the class if there are none.
    """

    query: Floats
    paths: Sequence[Floats]

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Lower left and upper right of all, with room for names."""
        points = np.concatenate([self.query, *(each.reshape(-1, 2) for each in self.paths)])
        low, high = points.min(0), points.max(0)
        return low - 0.08 * (high - low), high + 0.08 * (high - low)


def _projected(episode: RefinedEpisode) -> _Flat:
    origin, directions = plane(episode)
    marks = [_answered_means(episode, s) if s.weights is None else s.weights for s in episode.steps]
    ways = [(mark - origin) @ directions.T for mark in marks]
    paths = [np.stack(ways[: place + 1], axis=1) for place in range(len(ways))]
    return _Flat((episode.query - origin) @ directions.T, paths)


def _answered_means(episode: RefinedEpisode, step: Step) -> Floats:
    """Means of the support of each class and of the queries that were answered so."""
    points = np.concatenate([episode.support, episode.query])
    labels = np.concatenate([episode.support_labels, step.answers])
    return np.stack([points[labels == c].mean(0) for c in range(len(episode.classes))])


def plane(episode: RefinedEpisode) -> tuple[Floats, Floats]:
    """Find where classes lie furthest apart: the leading directions of their true means.

    Returns:
        The mean of the class means ``[D]``, and two directions of unit length, ``[2, D]``, at
        right angles; the larger entries of each are positive, so that a figure is not mirrored.
    """
    points = np.concatenate([episode.support, episode.query])
    labels = np.concatenate([episode.support_labels, episode.query_labels])
    means = np.stack([points[labels == c].mean(0) for c in range(len(episode.classes))])
    origin: Floats = means.mean(0)
    directions = np.linalg.svd(means - origin, full_matrices=False)[2][:2]
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return origin, directions * signs[:, None]


def changes(episode: RefinedEpisode) -> Labels:
    """Places of the queries whose last answer is not the first, ``[n]``."""
    first, last = episode.steps[0].answers, episode.steps[-1].answers
    return np.flatnonzero(first != last)


def summary(episode: RefinedEpisode) -> str:
    """Say what became of the answers between the first and the last step."""
    first, last = episode.steps[0], episode.steps[-1]
    if first.number == last.number:
        return "the method refines nothing"
    truth, changed = episode.query_labels, changes(episode)
    now = int((last.answers[changed] == truth[changed]).sum())
    before = int((first.answers[changed] == truth[changed]).sum())
    rest = len(changed) - now - before
    return (
        f"from step {first.number} to {last.number}, {len(changed)} of {len(truth)} answers "
        f"changed: {now} became right, {before} became wrong, {rest} are as wrong as before"
    )


def _panel(panel: Axes, episode: RefinedEpisode, step: Step, flat: _Flat, place: int) -> None:
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
    panel.set_title(title, fontsize=10, loc="left")
    (left, bottom), (right_end, top) = flat.limits
    panel.set(xticks=[], yticks=[], xlim=(left, right_end), ylim=(bottom, top))
    panel.spines[:].set_visible(True)


def _columns(points: Floats) -> tuple[Floats, Floats]:
    return points[:, 0], points[:, 1]


def _name_classes(panel: Axes, episode: RefinedEpisode, flat: _Flat, ways: Floats) -> None:
    """Write the names of the classes beside their marks, off the queries and the ways."""
    names = shortened(episode.classes, _NAME)
    reach = 0.012 * np.ptp(np.stack(flat.limits), axis=0)
    marks = np.stack([flat.query - reach, flat.query + reach], axis=1)
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


def shortened(names: Sequence[str], longest: int) -> list[str]:
    """Cut names to so many characters, so that they can be told apart if that is possible.

    Example:
        >>> shortened(["Greek/alpha", "Greek/beta"], 8)
        ['alpha', 'beta']
        >>> shortened(["Georgian-10D2", "Georgian-10D3"], 8)
        ['Geo…10D2', 'Geo…10D3']
    """
    ends = [name.rpartition("/")[2] for name in names]
    words = ends if len(set(ends)) == len(names) and all(ends) else names
    words = [word.replace("_", " ") for word in words]
    cut = [word if len(word) <= longest else f"{word[: longest - 1]}…" for word in words]
    if len(set(cut)) == len(cut):
        return cut
    tail = longest // 2
    head = longest - tail - 1
    return [w if len(w) <= longest else f"{w[:head]}…{w[-tail:]}" for w in words]
