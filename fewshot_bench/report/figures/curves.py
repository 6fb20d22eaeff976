"""How trainings went: loss and val accuracy by step, a column a training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.figures.protocol import names_of, require_one
from fewshot_bench.report.figures.style import (
    COLOURS,
    MUTED,
    explain,
    lettered,
    new_figure,
    styled,
)
from fewshot_bench.results import CurvePoint

Point = tuple[int, float]  # step and value

MOST = 24  # trainings of a figure
_COLUMNS = 4
_ROW, _MARGIN = 2.5, 1.0  # inches


@dataclass(frozen=True)
class Curve:
    """One training.

    Attributes:
        name: of what was trained.
        loss: mean loss since the last validation, by step.
        val_acc: accuracy on val episodes or images in [0, 1], by step.
    """

    name: str
    loss: tuple[Point, ...]
    val_acc: tuple[Point, ...]


def curves_figure(runs: pd.DataFrame, gathered: Gathered) -> Figure:
    """Draw the trainings behind runs, each once.

    Args:
        runs: of one data set, see `latest`.
        gathered: has their curves.

    Raises:
        UsageError: they are of several protocols, nothing was trained, or too much to be drawn.
    """
    require_one(runs, "curves", free=("backbone", "query_balance", "n_episodes", "n_query_way"))
    found: dict[tuple[object, ...], Curve] = {}
    for name, run in zip(names_of(runs), runs.to_dict("records"), strict=True):
        points = gathered.curves(run["run_id"])
        for stage in ("pretrain", "train"):
            loss, val_acc = (_points(points, f"{stage}_{of}") for of in ("loss", "val_acc"))
            if val_acc and (stage, loss, val_acc) not in found:
                title = name if stage == "train" else f"pretraining of {run['backbone']}"
                found[stage, loss, val_acc] = Curve(title, loss, val_acc)
    ordered = sorted(found.items(), key=lambda each: each[0][0] != "pretrain")
    facts = runs[["dataset", "train_dataset", "n_way", "n_shot"]].iloc[0]
    trained_on = facts["train_dataset"] or facts["dataset"]
    caption = f"{trained_on} · for {facts['n_way']}-way {facts['n_shot']}-shot"
    return draw_curves([curve for _, curve in ordered], caption)


def _points(points: Mapping[str, Sequence[CurvePoint]], name: str) -> tuple[Point, ...]:
    return tuple((point.step, point.value) for point in points.get(name, ()))


@styled
def draw_curves(curves: Sequence[Curve], caption: str) -> Figure:
    """Draw each training in a column of its own; those of one name are its seeds, and share it.

    Raises:
        UsageError: nothing was trained, or too much to be drawn.
    """
    names = list(dict.fromkeys(curve.name for curve in curves))
    if not names:
        raise UsageError("none of these runs trained anything; choose others with --method")
    if len(names) > MOST:
        raise UsageError(
            f"a figure of curves is of {MOST} trainings at most, and these are {len(names)}; "
            "choose some with --method"
        )
    n_rows = -(-len(names) // _COLUMNS)
    columns = -(-len(names) // n_rows)
    figure = new_figure(_MARGIN + _ROW * n_rows)
    panels = figure.subplots(2 * n_rows, columns, squeeze=False, height_ratios=(3, 2) * n_rows)
    for place, name in enumerate(names):
        row, column = divmod(place, columns)
        upper, lower = panels[2 * row][column], panels[2 * row + 1][column]
        own = [curve for curve in curves if curve.name == name]
        lower.sharex(upper)
        _accuracies(upper, own, name)
        _losses(lower, own)
        if column == 0:
            upper.set_ylabel("val accuracy, %")
            lower.set_ylabel("loss")
    for place in range(len(names), n_rows * columns):
        row, column = divmod(place, columns)
        panels[2 * row][column].axis("off")
        panels[2 * row + 1][column].axis("off")
    explain(figure, "Trainings", f"{caption} · dot: the weights that were kept")
    return figure


def _accuracies(axes: Axes, curves: Iterable[Curve], name: str) -> None:
    (text,), facts = lettered([name])
    axes.set_title(text, fontsize=9, **facts)
    for curve in curves:
        steps, values = _columns(curve.val_acc)
        shares = [100 * value for value in values]
        axes.plot(steps, shares, color=COLOURS[0], lw=1.1)
        if shares:
            best = max(range(len(shares)), key=lambda i: (shares[i], -i))
            axes.plot([steps[best]], [shares[best]], "o", color=COLOURS[0], ms=4)
            axes.annotate(
                f"{shares[best]:.1f}",
                (steps[best], shares[best]),
                (0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=7.6,
            )
    axes.margins(y=0.2)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelbottom=False)
    axes.grid(axis="y")


def _losses(axes: Axes, curves: Iterable[Curve]) -> None:
    for curve in curves:
        axes.plot(*_columns(curve.loss), color=COLOURS[1], lw=1.1, ls=(0, (5, 1)))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(_step_text))
    axes.grid(axis="y")
    axes.set_xlabel("step", fontsize=8, color=MUTED, labelpad=1)


def _step_text(step: float, _: int) -> str:
    return f"{step / 1000:g}k" if step >= 1000 else f"{step:g}"


def _columns(points: Iterable[Point]) -> tuple[list[int], list[float]]:
    pairs = sorted(points)
    return [step for step, _ in pairs], [value for _, value in pairs]
