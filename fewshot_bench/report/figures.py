"""Accuracies with their intervals, drawn: a panel for each number of shots, a line a method."""

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular
from fewshot_bench.utilities.printing import printable

WIDTH, LINE, MARGIN = 8.3, 0.185, 1.25  # inches: 830 pixels where a README shows it
# Told apart by colour (Okabe and Ito's, for every kind of sight), by shape, and by being filled.
_BLUE, _VERMILION, _INK = "#0072B2", "#D55E00", "#1f2328"
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "inductive": {"color": _BLUE, "marker": "o", "markersize": 5},
    "transductive": {"color": _VERMILION, "marker": "D", "markersize": 4.8, "mfc": "white"},
}


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


def draw_accuracies(rows: Sequence[Accuracy], title: str) -> Figure:
    """Draw accuracies with 95 % intervals, the best at the fewest shots on top.

    Raises:
        UsageError: there is nothing to draw, or two accuracies of one method at the same shots.
    """
    by_place = {(row.n_shot, row.method): row for row in rows}
    if not rows or len(by_place) < len(rows):
        raise UsageError("a figure shows one accuracy of each method and number of shots")
    shots = sorted({row.n_shot for row in rows})
    names = _sorted(rows, shots)
    figure = Figure(figsize=(WIDTH, MARGIN + LINE * len(names)))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06, wspace=0.03)
    panels = figure.subplots(1, len(shots), sharey=True, squeeze=False)[0]
    for panel, n_shot in zip(panels, shots, strict=True):
        _panel(panel, [by_place.get((n_shot, name)) for name in names])
        panel.set_title(f"{n_shot}-shot", fontsize=10, color=_INK)
    panels[0].set_yticks(range(len(names)), list(map(printable, names)), parse_math=False)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    _explain(figure, panels[0], sorted({row.setting for row in rows}), title)
    return figure


def _sorted(rows: Sequence[Accuracy], shots: Sequence[int]) -> list[str]:
    """Names of the methods, from the best at the fewest shots down; those without come last."""
    means = {(row.method, row.n_shot): row.mean for row in rows}
    names = {row.method for row in rows}
    return sorted(names, key=lambda name: [-means.get((name, k), -1.0) for k in shots])


def _panel(panel: Axes, rows: Sequence[Accuracy | None]) -> None:
    """Draw one number of shots; a method that was not measured leaves its line empty."""
    for place, row in enumerate(rows):
        if row is not None:
            style = _STYLES[row.setting]
            panel.errorbar(row.mean, place, xerr=row.ci95, capsize=2.2, lw=1.3, **style)
    panel.grid(axis="x", color="0.86", lw=0.7)
    panel.grid(axis="y", color="0.93", lw=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color("0.7")
    panel.tick_params(length=0, labelsize=8.8, colors=_INK)
    panel.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    panel.set_xlabel("accuracy, %", fontsize=9, color=_INK)


def _explain(figure: Figure, panel: Axes, settings: Sequence[str], title: str) -> None:
    """Write the title, and below it what the marks mean."""
    marks = [panel.errorbar([], [], xerr=[], label=name, **_STYLES[name]) for name in settings]
    legend = figure.legend(handles=marks, loc="outside upper center", ncols=len(marks))
    legend.set_title(printable(title), FontProperties(size=11))
    legend.get_title().set_parse_math(False)
    legend.set_frame_on(False)
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_color(_INK)


def read_accuracies(path: Path) -> tuple[list[Accuracy], str]:
    """Read the runs of one data set and backbone from what ``fsbench table -o FILE.csv`` wrote.

    Returns:
        The accuracies, and a title that says what they are of.

    Raises:
        UsageError: the file is of several data sets, backbones or protocols.
    """
    with TextIOWrapper(open_regular(path), "utf-8", newline="") as file:
        ours = (line for line in csv.DictReader(file) if line["origin"] == "run")
        # One a run: with --published it has a line for each number that it stands beside.
        lines = list({line["run_id"]: line for line in ours}.values())
    common = ("dataset", "backbone", "ways", "n_episodes")
    kinds = {tuple(line[name] for name in common) for line in lines}
    if len(kinds) != 1:
        raise UsageError(f"{path} has runs of {len(kinds)} protocols; a figure shows those of one")
    ((dataset, backbone, ways, n_episodes),) = kinds
    rows = [
        Accuracy(
            line["method"],
            line["setting"],
            int(line["shots"]),
            float(line["accuracy"]),
            float(line["ci95"]),
        )
        for line in lines
    ]
    return rows, f"{dataset}, {ways}-way, {backbone}: mean and 95 % interval, {n_episodes} episodes"


def main(source: str, target: str) -> None:
    """Draw what a table's CSV file holds into a PNG file."""
    figure = draw_accuracies(*read_accuracies(Path(source)))
    figure.savefig(target, dpi=200, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
