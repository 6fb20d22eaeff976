"""What was drawn, read back from figures, and cells to draw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.figures.style import SETTINGS
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked

SIB = {"method": "ssl-meta", "setting": "transductive"}
BLUE, RED = (str(SETTINGS[name]["color"]) for name in ("inductive", "transductive"))


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


class Interval(NamedTuple):
    """A point, half of the width of its interval in each direction, and its colour."""

    x: float
    y: float
    across: float
    up: float
    colour: str


def intervals(axes: Axes) -> list[Interval]:
    """Points with their intervals, in the order in which they were drawn."""
    found = []
    for bar in (each for each in axes.containers if isinstance(each, ErrorbarContainer)):
        line, _, spans = bar.lines
        assert line is not None
        ends = [np.stack(each.get_segments()) for each in spans]  # [n, 2, 2]
        halves = np.sum([np.ptp(each, axis=1) / 2 for each in ends], axis=0)
        for point, half in zip(path(line), halves, strict=True):
            x, y, across, up = (round(float(value), 9) for value in (*point, *half))
            found.append(Interval(x, y, across, up, to_hex(line.get_color()).upper()))
    return found


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


def key(figure: Figure) -> tuple[str, dict[str, str]]:
    """The title, and the colour of each setting that is explained."""
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    colours = [to_hex(line.get_color()).upper() for line in legend.get_lines()]
    return legend.get_title().get_text(), dict(zip(texts, colours, strict=True))


@dataclass(frozen=True, eq=False)
class Labelled:
    """What names were asked to be written, and what they were to leave free."""

    points: NDArray[np.float64]
    names: Sequence[str]
    styles: Sequence[Mapping[str, Any]]
    bars: NDArray[np.float64]
    mark: float = 0.0


@contextmanager
def labelled(module: ModuleType) -> Iterator[list[Labelled]]:
    """Note what a module asks of `label_points`, while it is done."""
    asked: list[Labelled] = []
    write = module.label_points

    def note(axes: Axes, *what: Any) -> None:
        asked.append(Labelled(*what))
        write(axes, *what)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "label_points", note)
        yield asked


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
