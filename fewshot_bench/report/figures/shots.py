"""What more labelled images give: accuracy at the fewest shots against that at more."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.labels import ends_of, label_points
from fewshot_bench.report.figures.protocol import (
    caption_of,
    interval_note,
    names_of,
    require_one,
)
from fewshot_bench.report.figures.style import (
    MUTED,
    draw_point,
    explain,
    new_figure,
    styled,
)

_HEIGHT = 6.6  # inches
_GAINS = (0, 5, 10, 15, 20, 25, 30, 40)  # points


@styled
def shots_figure(frame: pd.DataFrame) -> Figure:
    """Draw each method at two numbers of shots, with both intervals.

    Args:
        frame: cells of one protocol at two numbers of shots, see `cells`; a method that has not
            both is left out, and the caption says how many were.

    Raises:
        UsageError: they are of several protocols, or not of two numbers of shots.
    """
    require_one(frame, "shots", free=("n_shot", "backbone"))
    few, many = _two(sorted(set(frame["n_shot"])))
    frame = frame.assign(name=names_of(frame))
    both = frame[frame["n_shot"] == few].merge(
        frame[frame["n_shot"] == many], on=["name", "setting"], suffixes=("", "_many")
    )
    if both.empty:
        raise UsageError(f"no method was measured at both {few} and {many} shots")
    n_left_out = frame["name"].nunique() - len(both)
    figure = new_figure(_HEIGHT)
    axes = figure.subplots()
    for cell in both.to_dict("records"):
        draw_point(
            axes,
            cell["setting"],
            100 * cell["mean"],
            100 * cell["mean_many"],
            xerr=100 * cell["ci95"],
            yerr=100 * cell["ci95_many"],
        )
    axes.set_xlabel(f"accuracy at {few} shot{'s' if few > 1 else ''}, %")
    axes.set_ylabel(f"accuracy at {many} shots, %")
    axes.grid()
    left_out = f"not drawn, for want of one of the two: {n_left_out}" if n_left_out else ""
    caption = caption_of(frame, interval_note(frame), left_out)
    explain(figure, f"Accuracy at {few} against {many} shots", caption, set(both["setting"]))
    _gains(axes)
    points = 100 * both[["mean", "mean_many"]].to_numpy(float)
    widths = 100 * both[["ci95", "ci95_many"]].to_numpy(float)
    bars = np.concatenate([ends_of(points, widths * (1, 0)), ends_of(points, widths * (0, 1))])
    label_points(axes, points, both["name"].tolist(), [{"fontsize": 8}] * len(both), bars)
    return figure


def _two(shots: list[int]) -> tuple[int, int]:
    if len(shots) == 2:
        return shots[0], shots[1]
    some = ", ".join(map(str, shots))
    raise UsageError(
        f"a figure of shots is of two numbers of them, and these runs have {some}; choose two with "
        "--shots, as --shots 1 --shots 5"
    )


def _gains(axes: Axes) -> None:
    """Draw lines of equal gain behind the points."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for gain in _GAINS:
        ends = np.clip([left, right], bottom - gain, top - gain)
        if ends[1] - ends[0] > 0.12 * (right - left):
            axes.plot(ends, ends + gain, color="0.75", lw=0.8, ls=(0, (4, 3)), zorder=0.5)
            words = f"+{gain} points" if gain else "no gain"
            axes.annotate(
                words,
                (ends[1], ends[1] + gain),
                (-4, -9 if ends[1] < right else 4),
                textcoords="offset points",
                ha="right",
                fontsize=7.5,
                color=MUTED,
                annotation_clip=False,
            )
    axes.set(xlim=(left, right), ylim=(bottom, top))
