"""Pictures of a run, as PNG files: its curves, and which classes were taken for which."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.results import CurvePoint
from fewshot_bench.utilities.printing import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 3.4, 2.8  # inches
MAX_NAMED = 60  # classes whose names fit beside a picture


def draw_curves(points: Sequence[CurvePoint], title: str, path: Path) -> None:
    """Draw the curves of a training over its steps, a panel each, into a PNG.

    Args:
        points: of all curves; those called ``*_acc`` are shares in [0, 1], drawn in percent.
        title: what was run.
        path: of the file.
    """
    from matplotlib.figure import Figure

    names = sorted({point.name for point in points})
    figure = Figure(figsize=(PANEL[0] * len(names), PANEL[1]), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        percent = name.endswith("_acc")
        curve = sorted((p.step, p.value) for p in points if p.name == name)
        values = [100 * value if percent else value for _, value in curve]
        axes.plot([step for step, _ in curve], values, color="#0072B2", linewidth=1.2, marker=".")
        axes.set_title(name.replace("_", " ") + (" in %" if percent else ""), fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    figure.suptitle(printable(title), fontsize=10, parse_math=False)
    _paint(figure, path)


def draw_confusion(names: list[str], shares: NDArray[np.float64], title: str, path: Path) -> None:
    """Draw mistakes as colours, and right answers as numbers beside the names, into a PNG.

    Args:
        names: of the C classes; they are written if there are at most `MAX_NAMED`.
        shares: of the queries of each class (row) that were taken for each, ``[C, C]`` in [0, 1].
        title: what was run.
        path: of the file.
    """
    from matplotlib.figure import Figure

    side = min(3 + 0.22 * len(names), 14)
    figure = Figure(figsize=(side + 1.5, side), dpi=120, layout="constrained")
    axes = figure.subplots()
    right = np.eye(len(names), dtype=bool)
    mistakes = np.ma.masked_array(100 * shares, right)
    most = max(1.0, float((100 * shares[~right]).max(initial=0)))
    colours = axes.imshow(mistakes, cmap="magma_r", vmin=0, vmax=most, interpolation="nearest")
    axes.set_facecolor("0.9")  # shows on the diagonal
    figure.colorbar(colours, ax=axes, label="% of the queries of a class", shrink=0.8)
    axes.set(xlabel="taken for", ylabel="class, and how much of it was taken for itself")
    axes.set_title(f"{printable(title)}: confusion", fontsize=9, parse_math=False)
    _name_classes(axes, list(map(printable, names)), 100 * shares.diagonal())
    _paint(figure, path)


def _name_classes(axes: "Axes", names: list[str], accuracies: NDArray[np.float64]) -> None:
    """Write what stands beside rows and columns; a name is no formula, whatever it contains."""
    if len(names) > MAX_NAMED:
        axes.set_ylabel(f"{len(names)} classes, in the order of accuracy_by_class.csv")
        return
    short = [name if len(name) <= 24 else f"{name[:23]}…" for name in names]
    beside = [f"{name}  {share:.0f} %" for name, share in zip(short, accuracies, strict=True)]
    places = range(len(names))
    axes.set_xticks(places, short, rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(places, beside, fontsize=7, parse_math=False)


def _paint(figure: "Figure", path: Path) -> None:
    """Write a PNG; of letters that the font has not, boxes stand in their place."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(path, format="png")
