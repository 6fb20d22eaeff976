"""Curves of training."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import latest
from fewshot_bench.report.figures import curves
from fewshot_bench.report.figures.curves import MOST, Curve, curves_figure, draw_curves
from fewshot_bench.results import CurvePoint
from tests.report.figures.drawn import caption, key, path
from tests.report.samples import tracked

PRETRAINING = {"pretrain_loss": [(5, 2.0), (10, 1.0)], "pretrain_val_acc": [(0, 0.2), (10, 0.4)]}
TRAINING = {"train_loss": [(3, 1.5), (6, 1.25)], "train_val_acc": [(0, 0.5), (3, 0.7), (6, 0.6)]}
LESS = {"train_loss": [(1, 0.5)], "train_val_acc": [(0, 0.4)]}


class Known:
    """Curves by the run's id, as `Gathered` gives them."""

    def __init__(self, **curves: dict[str, list[tuple[int, float]]]) -> None:
        self.known = curves

    def curves(self, run_id: str) -> dict[str, list[CurvePoint]]:
        found = self.known[run_id[:7]]
        return {
            name: [CurvePoint(name=name, step=step, value=value) for step, value in points]
            for name, points in found.items()
        }


def titled(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def place(axes: Axes) -> tuple[int, int]:
    """Row and column among the panels."""
    spec = axes.get_subplotspec()
    assert spec is not None
    return spec.rowspan.start, spec.colspan.start


def test_a_training_that_methods_share_is_drawn_once_and_first() -> None:
    runs = [tracked(0), tracked(1, method="tim")]
    known: Any = Known(run0000=PRETRAINING | TRAINING, run0001=PRETRAINING)
    figure = curves_figure(latest(runs), known)
    assert titled(figure) == ["pretraining of conv4-64", "proto-net"]
    pretraining, training = figure.axes[:2]
    assert path(pretraining.lines[0]).tolist() == [[0, 20], [10, 40]]
    accuracy, kept = training.lines
    assert path(accuracy).tolist() == [[0, 50], [3, 70], [6, 60]]
    assert path(kept).tolist() == [[3, 70]]
    (loss,) = figure.axes[3].lines
    assert path(loss).tolist() == [[3, 1.5], [6, 1.25]]
    assert caption(figure) == "cifar-fs · for 5-way 1-shot · dot: the weights that were kept"
    assert key(figure) == ("Trainings", {})


def test_trainings_stand_in_the_order_of_their_runs_whatever_they_are_evaluated_on() -> None:
    facts = {"train_dataset": "fc100", "n_shot": 5}
    other = {"query_balance": "dirichlet:2", "n_episodes": 600, "n_query_way": 3}
    runs = [
        tracked(0, **facts),
        tracked(1, method="maml", backbone="resnet18", **other, **facts),
        tracked(2, method="tim", **facts),
    ]
    of_loss_alone = {"train_loss": TRAINING["train_loss"]}
    known: Any = Known(run0000=TRAINING, run0001=LESS | PRETRAINING, run0002=of_loss_alone)
    figure = curves_figure(latest(runs), known)
    assert titled(figure) == [
        "pretraining of resnet18",
        "proto-net (conv4-64)",
        "maml (resnet18)",
    ]
    assert caption(figure).startswith("fc100 · for 5-way 5-shot")


@pytest.fixture(scope="module")
def five() -> Figure:
    """Five trainings, as many as are drawn here; the first one with three seeds."""
    names = ["a", "a", "a", "b", "c", "d", "e"]
    points = ((0, 0.5), (2500, 2 / 3), (1000, 0.6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "MOST", 5)
        return draw_curves([Curve(name, ((9, 0.5), (1, 2.0)), points) for name in names], "")


def test_each_training_has_its_accuracy_above_its_loss(five: Figure) -> None:
    shown = [axes for axes in five.axes if axes.lines]
    assert {place(axes): axes.get_title() for axes in shown if axes.get_title()} == {
        (0, 0): "a",
        (0, 1): "b",
        (0, 2): "c",
        (2, 0): "d",
        (2, 1): "e",
    }
    below = [axes for axes in shown if not axes.get_title()]
    assert [place(axes) for axes in below] == [(1, 0), (1, 1), (1, 2), (3, 0), (3, 1)]
    assert {axes.get_xlabel() for axes in below} == {"step"}
    labels = {place(axes): axes.get_ylabel() for axes in five.axes if axes.get_ylabel()}
    assert labels == {(row, 0): "loss" if row % 2 else "val accuracy, %" for row in range(4)}
    empty = [place(axes) for axes in five.axes if not axes.axison]
    assert empty == [(2, 2), (3, 2)]


def test_accuracy_has_more_room_and_the_same_steps_as_loss(five: Figure) -> None:
    by_place = {place(axes): axes for axes in five.axes}
    for row in (0, 2):
        upper, lower = by_place[row, 0], by_place[row + 1, 0]
        assert upper.get_xlim() == lower.get_xlim()
        assert upper.get_position().height > 1.3 * lower.get_position().height
        told = [axes.xaxis.get_tick_params()["labelbottom"] for axes in (upper, lower)]
        assert told == [False, True]  # steps are told once
    texts = by_place[1, 0].xaxis.get_major_formatter().format_ticks([0, 500, 1000, 12500])
    assert texts == ["0", "500", "1k", "12.5k"]
    one = draw_curves([Curve("a", (), ((0, 0.5),))], "")
    assert five.get_figheight() > 1.5 * one.get_figheight()  # two rows


def test_seeds_share_a_column_and_colours(five: Figure) -> None:
    upper, lower = (axes for axes in five.axes if place(axes) in ((0, 0), (1, 0)))
    assert [len(axes.lines) for axes in (upper, lower)] == [6, 3]
    colours = [{to_hex(line.get_color()) for line in axes.lines} for axes in (upper, lower)]
    assert [len(each) for each in colours] == [1, 1]
    assert colours[0] != colours[1]


def test_the_best_validation_has_a_dot_and_its_accuracy(five: Figure) -> None:
    upper, lower = (axes for axes in five.axes if place(axes) in ((0, 1), (1, 1)))
    line, dot = upper.lines
    assert path(line) == pytest.approx(np.array([[0, 50], [1000, 60], [2500, 200 / 3]]))
    assert path(lower.lines[0]).tolist() == [[1, 2.0], [9, 0.5]]
    assert (dot.get_marker(), path(dot).tolist()) == ("o", [path(line)[2].tolist()])
    (note,) = upper.texts
    assert isinstance(note, Annotation)
    assert note.get_text() == "66.7"
    assert note.xy == pytest.approx((2500, 200 / 3))
    assert (note.anncoords, note.get_horizontalalignment()) == ("offset points", "center")
    assert note.xyann[0] == 0 < note.xyann[1]
    assert upper.get_ylim() == pytest.approx((50 - 10 / 3, 70))  # a fifth is free for the number


def test_steps_are_whole() -> None:
    _, lower = draw_curves([Curve("tim", ((0, 1.0), (2, 0.5)), ((0, 0.1), (2, 0.3)))], "").axes
    assert [tick for tick in lower.get_xticks() if tick % 1] == []


def test_of_equal_validations_the_first_was_kept() -> None:
    figure = draw_curves([Curve("tim", (), ((0, 0.1), (5, 0.3), (9, 0.3)))], "")
    assert path(figure.axes[0].lines[1]).tolist() == [[5, 30]]


def test_no_training_and_too_many_are_refused() -> None:
    with pytest.raises(UsageError, match="none of these runs trained anything"):
        draw_curves([], "")
    many = [Curve(f"m{i}", (), ((0, 0.1),)) for i in range(MOST + 1)]
    with pytest.raises(UsageError, match=f"{MOST} trainings at most, and these are {MOST + 1}"):
        draw_curves(many, "")
