"""Curves of training."""

from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import latest
from fewshot_bench.report.figures.curves import MOST, Curve, curves_figure, draw_curves
from fewshot_bench.results import CurvePoint
from tests.report.figures.drawn import caption, path
from tests.report.samples import tracked

PRETRAINING = {"pretrain_loss": [(5, 2.0), (10, 1.0)], "pretrain_val_acc": [(0, 0.2), (10, 0.4)]}
TRAINING = {"train_loss": [(3, 1.5), (6, 1.25)], "train_val_acc": [(0, 0.5), (3, 0.7), (6, 0.6)]}


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


def test_a_training_that_methods_share_is_drawn_once_and_first() -> None:
    runs = [tracked(0), tracked(1, method="tim")]
    known: Any = Known(run0000=PRETRAINING | TRAINING, run0001=PRETRAINING)
    figure = curves_figure(latest(runs), known)
    upper = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in upper] == ["pretraining of conv4-64", "proto-net"]
    accuracy, kept = upper[1].lines
    assert path(accuracy).tolist() == [[0, 50], [3, 70], [6, 60]]
    assert path(kept).tolist() == [[3, 70]]
    (loss,) = figure.axes[3].lines
    assert path(loss).tolist() == [[3, 1.5], [6, 1.25]]
    assert caption(figure) == "cifar-fs · for 5-way 1-shot · dot: the weights that were kept"


def test_seeds_share_a_column() -> None:
    curves = [Curve("tim", ((1, 1.0),), ((0, 0.1 * seed), (1, 0.3))) for seed in range(3)]
    figure = draw_curves(curves, "")
    assert len(figure.axes) == 2
    assert len(figure.axes[0].lines) == 6


def test_of_equal_validations_the_first_was_kept() -> None:
    figure = draw_curves([Curve("tim", (), ((0, 0.1), (5, 0.3), (9, 0.3)))], "")
    assert path(figure.axes[0].lines[1]).tolist() == [[5, 30]]


def test_no_training_and_too_many_are_refused() -> None:
    with pytest.raises(UsageError, match="none of these runs trained anything"):
        draw_curves([], "")
    many = [Curve(f"m{i}", (), ((0, 0.1),)) for i in range(MOST + 1)]
    with pytest.raises(UsageError, match=f"{MOST} trainings at most, and these are {MOST + 1}"):
        draw_curves(many, "")
