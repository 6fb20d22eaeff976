"""Every method against every other one on the same episodes: a matrix of paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.figures.labels import axes_size, text_size
from fewshot_bench.report.figures.protocol import caption_of, names_of, require_one
from fewshot_bench.report.figures.style import (
    INK,
    MUTED,
    explain,
    fix_places,
    lettered,
    new_figure,
    styled,
)
from fewshot_bench.statistics.family import ALPHA, all_pairs
from fewshot_bench.statistics.paired import Measured

Floats = NDArray[np.float64]

MOST = 24  # methods whose differences can still be read
_LINE, _MARGIN = 0.3, 1.7  # inches
_SHADES = LinearSegmentedColormap.from_list("better", ["#f3b48b", "#fbfbfb", "#8dbde3"])
_MARKS = {"inductive": "●", "transductive": "◆"}
_KEY = (
    "row less column, in points · bold on colour: significant at 5 %, by Holm for all pairs; "
    "grey on white: not · diagonal: accuracy in % · ● inductive, ◆ transductive"
)


@dataclass(frozen=True, eq=False)
class Differences:
    """What each of n methods is better by than each other one.

    Attributes:
        names: of the methods.
        settings: of each, ``inductive`` or ``transductive``.
        means: accuracy of each in percent, ``[n]``.
        differences: row less column in points, ``[n, n]``.
        p_values: of the differences, corrected for how many there are, ``[n, n]``.
    """

    names: Sequence[str]
    settings: Sequence[str]
    means: Floats
    differences: Floats
    p_values: Floats


def differences_figure(runs: pd.DataFrame, gathered: Gathered) -> Figure:
    """Draw the paired differences of all methods on the same episodes, seeds counted.

    Args:
        runs: of one column of a table, see `latest`.
        gathered: has the accuracies of their episodes.

    Raises:
        UsageError: they are of several protocols, or there are too few or too many methods.
    """
    require_one(runs, "differences", free=("backbone",))
    runs = runs.assign(name=names_of(runs))
    settings = {str(run["name"]): str(run["setting"]) for run in runs.to_dict("records")}
    _check_number(len(settings))
    results: dict[str, dict[int, Measured]] = {name: {} for name in sorted(settings)}
    for run in runs.to_dict("records"):
        results[run["name"]][run["seed"]] = gathered.measurement(run["run_id"])
    return draw_differences(compared(results, settings), caption_of(runs))


def compared(
    results: Mapping[str, Mapping[int, Measured]], settings: Mapping[str, str]
) -> Differences:
    """Compare all pairs of methods, with Holm's correction over all of them.

    Args:
        results: of each method by training seed, all on the same episodes.
        settings: of each method.
    """
    names, n = list(results), len(results)
    differences, p_values = np.zeros((n, n)), np.ones((n, n))
    for (i, j), (each, p) in all_pairs(list(results.values())).items():
        differences[i, j], differences[j, i] = 100 * each.difference, -100 * each.difference
        p_values[i, j] = p_values[j, i] = p
    means: Floats = np.array(
        [100 * np.mean([each.accuracies for each in results[name].values()]) for name in names]
    )
    return Differences(names, [settings[n] for n in names], means, differences, p_values)


def _check_number(n: int) -> None:
    if not 2 <= n <= MOST:
        raise UsageError(
            f"a matrix of differences is of 2 to {MOST} methods, and these are {n}; choose others "
            "with --method"
        )


@styled
def draw_differences(found: Differences, caption: str) -> Figure:
    """Draw the matrix, the best method first; its accuracies stand on the diagonal."""
    n = len(found.names)
    order = np.argsort(-found.means, kind="stable")
    figure = new_figure(_MARGIN + max(_LINE * n, 1.5))
    axes = figure.subplots()
    shown = found.differences[np.ix_(order, order)]
    sure = found.p_values[np.ix_(order, order)] < ALPHA
    _shade(axes, np.where(sure, shown, 0.0))
    texts, facts = lettered([found.names[i] for i in order])
    marks = [f"{text} {_MARKS[found.settings[i]]}" for text, i in zip(texts, order, strict=True)]
    axes.set_yticks(range(n), marks, **facts)
    axes.set_xticks(range(n), texts, rotation=40, ha="left", rotation_mode="anchor", **facts)
    axes.xaxis.tick_top()
    explain(figure, "Paired differences of accuracy", f"{caption} · {_KEY}")
    fix_places(figure)
    _write(axes, shown, sure, found.means[order])
    return figure


def _shade(axes: Axes, shades: Floats) -> None:
    """Colour what is better or worse, and leave the rest white."""
    n, most = len(shades), max(float(np.abs(shades).max()), 1e-9)
    axes.imshow(shades, cmap=_SHADES, norm=TwoSlopeNorm(0, -most, most), aspect="auto")
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.spines[:].set_visible(False)


def _write(axes: Axes, shown: Floats, sure: NDArray[np.bool_], means: Floats) -> None:
    n = len(shown)
    widest = {"fontsize": 8.0, "fontweight": "bold"}
    room = 0.92 * axes_size(axes)[0] / n / text_size(axes, signed(-9.9), widest)[0]
    for i, j in np.ndindex(n, n):
        looks: dict[str, Any] = {"color": MUTED}
        if sure[i, j]:
            looks = {"color": INK, "fontweight": "bold"}
        text = signed(float(shown[i, j]))
        if i == j:
            looks, text = {"color": MUTED, "fontstyle": "italic"}, f"{means[i]:.1f}"
        size = 8.0 * min(1.0, room)
        axes.text(j, i, text, ha="center", va="center", fontsize=size, **looks)


def signed(points: float) -> str:
    """Write a difference in at most four characters."""
    text = f"{points:+.1f}" if abs(points) < 9.95 else f"{points:+.0f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\N{MINUS SIGN}")
