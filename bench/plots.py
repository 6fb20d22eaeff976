"""How time grows, drawn."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.measure import Measured
from bench.rows import GROWTHS, Growth


def slope(sizes: list[float], seconds: list[float]) -> float:
    """Exponent of the growth between the two largest sizes: 1 is proportional."""
    return float(np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2]))


def points(measured: Measured) -> tuple[list[float], list[float]]:
    """Sizes, ascending, and the seconds of each."""
    pairs = sorted((float(size), seconds) for size, seconds in measured.ours.facts.items())
    return [size for size, _ in pairs], [seconds for _, seconds in pairs]


def draw(measured: Mapping[str, Measured], path: Path) -> None:
    """Write one panel for each growth that was measured."""
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    panels = figure.subplots(2, 2)
    for panel, growth in zip(panels.flat, GROWTHS, strict=True):
        if growth.name in measured:
            _panel(panel, growth, measured[growth.name])
        else:
            panel.set_axis_off()
    figure.savefig(path, dpi=110)


def _panel(panel: Axes, growth: Growth, measured: Measured) -> None:
    sizes, seconds = points(measured)
    panel.loglog(sizes, seconds, "o-", color="#1f5fa8")
    proportional = [seconds[-1] * size / sizes[-1] for size in sizes]
    panel.loglog(sizes, proportional, "--", color="0.6", zorder=0, label="proportional")
    panel.set(xlabel=growth.work.replace("`", ""), ylabel="seconds")
    panel.set_title(f"slope {slope(sizes, seconds):.2f} at the end", fontsize=10)
    panel.grid(visible=True, which="major", color="0.92")
    panel.legend(frameon=False)
