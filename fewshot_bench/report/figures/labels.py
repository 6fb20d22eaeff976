"""Labels beside what they name, none over another; the same points, the same places."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from fewshot_bench.report.figures.style import MUTED, fix_places, lettered

Floats = NDArray[np.float64]

_ANGLES = np.arange(24) * np.pi / 12
_REACHES = (7.0, 11.0, 16.0, 22.0, 30.0, 40.0, 52.0, 66.0, 82.0, 100.0)  # points from the mark
_MARK = 3.4  # half of the side of a mark, in points, unless told
_LEADER = 9.0  # points from which on a line leads from a label to its mark
_SWEEPS = 4
# Costs: of a point of distance, then of square points of labels and marks that are covered.
_FAR, _OVER_LABEL, _OVER_MARK, _OVER_BAR, _OUTSIDE, _CROSSING = 1.0, 30.0, 12.0, 0.5, 50.0, 60.0


def label_points(
    axes: Axes,
    points: Floats,
    names: Sequence[str],
    styles: Sequence[dict[str, Any]],
    bars: Floats | None = None,
    mark: float = _MARK,
) -> None:
    """Write names beside points of axes whose limits and places are final.

    Args:
        axes: with all that is to be drawn but the names.
        points: in the data's units, ``[n, 2]``.
        names: n of them.
        styles: of each text.
        bars: ends of lines that should be left free, in the data's units, ``[m, 2, 2]``.
        mark: half of the side of a mark, in points.
    """
    fix_places(axes.figure)  # type: ignore[arg-type]
    texts, facts = lettered(names)
    unit = 72 / axes.figure.dpi
    marks = axes.transData.transform(points) * unit
    box = np.asarray(axes.get_window_extent().extents) * unit
    looks = [{**facts, **look} for look in styles]
    sizes = np.array([text_size(axes, *each) for each in zip(texts, looks, strict=True)])
    sizes = sizes.reshape(-1, 2)
    lines = np.zeros((0, 2, 2)) if bars is None else bars
    ends = axes.transData.transform(lines.reshape(-1, 2)).reshape(-1, 2, 2) * unit
    offsets = place_labels(marks, sizes, box, ends, mark)
    for text, point, offset, size, look in zip(texts, points, offsets, sizes, looks, strict=True):
        far = float(np.hypot(*_nearest(offset, size))) > _LEADER
        leader = {"arrowstyle": "-", "lw": 0.5, "color": MUTED, "shrinkA": 0, "shrinkB": 3}
        note = axes.annotate(
            text,
            (float(point[0]), float(point[1])),
            (float(offset[0]), float(offset[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            arrowprops={**leader, "relpos": _anchor(offset, size)} if far else None,
            **look,
        )
        note.set_in_layout(False)


def ends_of(points: Floats, half_widths: Floats) -> Floats:
    """Lines as far to both sides of points, ``[n, 2]``, as is said, as `label_points` takes them.

    Returns:
        Their ends, ``[n, 2, 2]``.
    """
    return np.stack([points - half_widths, points + half_widths], axis=1)


def place_labels(
    marks: Floats, sizes: Floats, box: Floats, bars: Floats | None = None, mark: float = _MARK
) -> Floats:
    """Find a place for each label: near, inside, over no other label, mark or leading line.

    Args:
        marks: what they name, ``[n, 2]`` in points.
        sizes: width and height of each label, ``[n, 2]``.
        box: left, bottom, right and top that bound them.
        bars: ends of lines that should be left free, ``[m, 2, 2]``.
        mark: half of the side of a mark, in points.

    Returns:
        From each mark to the middle of its label, ``[n, 2]``.
    """
    if not len(marks):
        return np.zeros((0, 2))
    candidates = np.stack([_candidates(size + 2 * (mark - _MARK)) for size in sizes])
    fixed = np.stack(
        [
            _fixed_costs(*each, marks, mark, box, bars)
            for each in zip(marks, candidates, sizes, strict=True)
        ]
    )
    chosen = fixed.argmin(1)
    placed = np.zeros(len(marks), dtype=bool)
    for _ in range(_SWEEPS):
        for i in _crowded_first(marks):
            others = placed & (np.arange(len(marks)) != i)
            taken = marks[others] + candidates[others, chosen[others]]
            ours = marks[i], marks[i] + candidates[i], sizes[i]
            costs = fixed[i] + _mutual_costs(*ours, marks[others], taken, sizes[others])
            chosen[i], placed[i] = costs.argmin(), True
    found: Floats = candidates[np.arange(len(marks)), chosen]
    return found


def _crowded_first(marks: Floats) -> NDArray[np.intp]:
    apart = np.sort(np.linalg.norm(marks[:, None] - marks[None], axis=-1), axis=1)
    return np.argsort(apart[:, :5].sum(1), kind="stable")


def _candidates(size: Floats) -> Floats:
    """Middles of a label around its mark, ``[angles · reaches, 2]``, the nearest first."""
    directions = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    middles = [directions * (reach + size / 2 * np.abs(directions)) for reach in _REACHES]
    found: Floats = np.concatenate(middles)
    return found


def _fixed_costs(
    mark: Floats,
    candidates: Floats,
    size: Floats,
    marks: Floats,
    half_mark: float,
    box: Floats,
    bars: Floats | None,
) -> Floats:
    """What each place of a label costs by itself: how far it is, and what it covers."""
    half, middles = size / 2 + 0.6, mark + candidates
    costs: Floats = _FAR * np.linalg.norm(_nearest(candidates, size), axis=1)
    costs += 0.8 * (candidates[:, 0] < -1) + 0.4 * (np.abs(candidates[:, 1]) > 1)  # right is read
    out = np.maximum(box[:2] + half - middles, 0) + np.maximum(middles + half - box[2:], 0)
    costs += _OUTSIDE * out.sum(1)
    costs += _OVER_MARK * _overlaps(middles, half, marks, np.full(2, half_mark)).sum(1)
    if bars is not None and len(bars):
        widths = np.abs(bars[:, 1] - bars[:, 0]) / 2 + 0.5
        costs += _OVER_BAR * _overlaps(middles, half, bars.mean(1), widths).sum(1)
    return costs


def _mutual_costs(
    mark: Floats, middles: Floats, size: Floats, others: Floats, taken: Floats, sizes: Floats
) -> Floats:
    """What each place of a label costs, given where others are, which name `others`."""
    half = size / 2 + 0.6
    covered = _overlaps(middles, half, taken, sizes / 2 + 0.6).sum(1)
    crossed = _crossings(mark, middles, half, others, taken, sizes)
    costs: Floats = _OVER_LABEL * covered + _CROSSING * crossed
    return costs


def _overlaps(middles: Floats, half: Floats, others: Floats, other_half: Floats) -> Floats:
    """Areas that rectangles share with others, ``[n, m]``."""
    apart = np.abs(middles[:, None] - others[None])
    shared: Floats = np.clip(half + other_half - apart, 0, 2 * np.minimum(half, other_half))
    area: Floats = shared.prod(-1)
    return area


def _crossings(
    mark: Floats, middles: Floats, half: Floats, others: Floats, taken: Floats, sizes: Floats
) -> Floats:
    """How many labels a line from the mark would cross, and lines of others cross the label."""
    steps = np.linspace(0.1, 0.9, 9)[:, None]
    ours = mark + steps[None] * (middles - mark)[:, None]  # [n, 9, 2]
    theirs = others[:, None] + steps[None] * (taken - others)[:, None]  # [m, 9, 2]
    over = np.all(np.abs(ours[:, :, None] - taken[None, None]) < sizes / 2, axis=-1)
    under = np.all(np.abs(theirs[None] - middles[:, None, None]) < half, axis=-1)
    crossed: Floats = 1.0 * (np.any(over, axis=1).sum(axis=1) + np.any(under, axis=2).sum(axis=1))
    return crossed


def _nearest(offset: Floats, size: Floats) -> Floats:
    """From the mark to the nearest point of its label, ``[..., 2]``."""
    nearest: Floats = np.sign(offset) * np.maximum(np.abs(offset) - size / 2, 0)
    return nearest


def _anchor(offset: Floats, size: Floats) -> tuple[float, float]:
    """The point of a label that is nearest to its mark, as shares of its width and height."""
    shares = np.clip(0.5 - offset / size, 0, 1)
    return float(shares[0]), float(shares[1])


def text_size(axes: Axes, text: str, facts: Mapping[str, Any]) -> tuple[float, float]:
    """Width and height of a text in points."""
    canvas = axes.figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(axes.figure)  # type: ignore[arg-type]
    probe = axes.text(0.5, 0.5, text, transform=axes.transAxes, **facts)
    extent = probe.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]
    probe.remove()
    unit = 72 / axes.figure.dpi
    return extent.width * unit, extent.height * unit


def axes_size(axes: Axes) -> tuple[float, float]:
    """Width and height of axes in points."""
    box, unit = axes.get_window_extent(), 72 / axes.figure.dpi
    return box.width * unit, box.height * unit


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move sorted places apart to at least `gap`, as little as can be (least squares).

    Example:
        >>> spread([0.0, 1.0, 1.0], 1.0)
        [-0.3333333333333333, 0.6666666666666667, 1.6666666666666667]
    """
    blocks: list[list[float]] = []  # sum and number of places less their steps: pooled neighbours
    for i, place in enumerate(places):
        blocks.append([place - i * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, n = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += n
    level = [total / n for total, n in blocks for _ in range(int(n))]
    return [value + i * gap for i, value in enumerate(level)]


def within(places: Sequence[float], low: float, high: float) -> list[float]:
    """Move all places by the same, so that as many as can be lie between `low` and `high`."""
    shift = max(0.0, low - min(places)) - max(0.0, max(places) - high)
    return [place + shift for place in places]
