"""What was drawn, read back from figures, and cells to draw."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from fewshot_bench.report.cells import cells, latest
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked

SIB = {"method": "ssl-meta", "setting": "transductive"}


def frame_of(*runs: TrackedRun) -> pd.DataFrame:
    """Cells of runs."""
    return cells(latest(runs))


def runs_of(means: Mapping[str, Iterable[float]], **facts: object) -> list[TrackedRun]:
    """A run of each method for each of some numbers of shots: 1, 5, 10 and so on."""
    shots = (1, 5, 10, 20)
    pairs = [(m, k, mean) for m in means for k, mean in zip(shots, means[m], strict=False)]
    return [
        tracked(i, method=m, n_shot=k, mean=mean, **facts) for i, (m, k, mean) in enumerate(pairs)
    ]


def marks(axes: Axes) -> list[tuple[float, float]]:
    """Where points with intervals stand, in the order in which they were drawn."""
    bars = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    lines = [bar.lines[0] for bar in bars]
    found = [np.column_stack([line.get_xdata(), line.get_ydata()]) for line in lines if line]
    return [(float(x), float(y)) for part in found for x, y in part]


def path(line: Line2D) -> NDArray[np.float64]:
    """Points of a line, ``[n, 2]``."""
    return np.asarray(line.get_xydata(), np.float64)


def names(axes: Axes) -> list[str]:
    """Names that were written beside points."""
    return [text.get_text() for text in axes.texts]


def caption(figure: Figure) -> str:
    """What stands below a figure, in one line."""
    below = figure._supxlabel  # type: ignore[attr-defined]
    return " ".join(str(below.get_text()).split())


def boxes(figure: Figure, texts: Iterable[Text]) -> list[Bbox]:
    """Where texts stand, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    return [Text.get_window_extent(text, renderer) for text in texts]


def overlapping(found: list[Bbox]) -> list[tuple[int, int]]:
    """Pairs of boxes that share more than a pixel in both directions."""
    pairs = [(i, j) for j in range(len(found)) for i in range(j)]
    shared = {p: Bbox.intersection(found[p[0]], found[p[1]]) for p in pairs}
    return [p for p, box in shared.items() if box and box.width > 1 and box.height > 1]
