"""Accuracy against cost."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fewshot_bench.report.figures import cost
from fewshot_bench.report.figures.cost import cost_figure, pareto
from fewshot_bench.report.figures.style import INK, MUTED
from tests.report.figures.drawn import (
    BLUE,
    RED,
    Labelled,
    caption,
    frame_of,
    intervals,
    key,
    labelled,
    names,
    path,
)
from tests.report.samples import tracked

points = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda p: (float(p[0]), float(p[1])))
# By name: setting, milliseconds, seconds of meta-training, accuracy and half of its interval.
RUNS = {
    "cheap": ("inductive", 0.1, 0.0, 0.6, 0.005),
    "tim": ("inductive", 20.0, 0.0, 0.7, 0.004),
    "feat": ("inductive", 1.0, 72.0, 0.55, 0.003),
    "maml": ("transductive", 10.0, 480.0, 0.75, 0.002),
}
Drawn = tuple[Figure, list[Labelled]]


@pytest.fixture(scope="module")
def drawn() -> Iterator[Drawn]:
    """What is drawn of `RUNS`, in the order of settings and names: cheap, feat, tim, maml."""
    facts = ("ms_per_episode", "train_seconds", "mean", "ci95")
    runs = [
        tracked(i, method=name, setting=setting, **dict(zip(facts, values, strict=True)))
        for i, (name, (setting, *values)) in enumerate(RUNS.items())
    ]
    with labelled(cost) as asked:
        yield cost_figure(frame_of(*runs)), asked


def test_points_stand_at_their_cost_with_their_intervals(drawn: Drawn) -> None:
    left, right = drawn[0].axes
    assert intervals(left) == [
        (0.1, 60, 0, 0.5, BLUE),
        (1.0, 55, 0, 0.3, BLUE),
        (20.0, 70, 0, 0.4, BLUE),
        (10.0, 75, 0, 0.2, RED),
    ]
    none = 1.2 / 4  # left of the least
    assert [(point.x, point.y) for point in intervals(right)] == [
        (none, 60),
        (1.2, 55),
        (none, 70),
        (8.0, 75),
    ]


def test_axes_say_what_they_are_of(drawn: Drawn) -> None:
    figure, _ = drawn
    left, right = figure.axes
    assert [axes.get_xlabel() for axes in (left, right)] == [
        "milliseconds an episode",
        "minutes of meta-training",
    ]
    assert left.get_ylabel() == "accuracy, %"
    assert left.get_ylim() == right.get_ylim()
    assert {axes.get_xscale() for axes in (left, right)} == {"log"}
    told = dict(zip(left.get_xticks(), (t.get_text() for t in left.get_xticklabels()), strict=True))
    assert (told[0.1], told[1.0], told[10.0]) == ("0.1", "1", "10")
    # 12 % of the way from 0.1 to 20 is free on each side; the axis is one of logarithms.
    assert left.get_xlim() == pytest.approx((0.1 / 200**0.12, 20 * 200**0.12))
    assert left.get_position().width > 1.2 * right.get_position().width


def test_what_costs_nothing_stands_apart(drawn: Drawn) -> None:
    right = drawn[0].axes[1]
    assert right.get_xticks() == pytest.approx([0.3, 1, 10])
    assert [text.get_text() for text in right.get_xticklabels()] == ["none", "1", "10"]
    assert right.get_xlim() == pytest.approx((0.3 / 1.6, 3 * 8))
    (border,) = (ln for ln in right.lines if path(ln)[:, 0] == pytest.approx([0.6, 0.6]))
    assert 0.3 < path(border)[0, 0] < 1.2


def test_a_line_joins_what_nothing_beats_at_less(drawn: Drawn) -> None:
    left, right = drawn[0].axes
    fronts = [
        [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
        for axes in (left, right)
    ]
    assert [path(line).tolist() for line in fronts[0]] == [[[0.1, 60], [10, 75]]]
    assert [path(line).tolist() for line in fronts[1]] == [[[0.3, 70], [8, 75]]]


def test_names_of_the_front_are_bold_and_of_those_without_cost_the_best_has_one(
    drawn: Drawn,
) -> None:
    left, right = drawn[0].axes
    assert names(left) == ["cheap", "feat", "tim", "maml"]
    assert names(right) == ["feat", "tim", "maml"]
    weights = [[text.get_fontweight() for text in axes.texts] for axes in (left, right)]
    assert weights == [["bold", "normal", "normal", "bold"], ["normal", "bold", "bold"]]
    colours = [[text.get_color() for text in axes.texts] for axes in (left, right)]
    assert colours == [[INK, MUTED, MUTED, INK], [MUTED, INK, INK]]


def test_names_leave_intervals_and_the_line_free(drawn: Drawn) -> None:
    left, right = drawn[1]
    np.testing.assert_allclose(left.points, [[0.1, 60.0], [1.0, 55.0], [20.0, 70.0], [10.0, 75.0]])
    np.testing.assert_allclose(right.points, [[1.2, 55.0], [0.3, 70.0], [8.0, 75.0]])
    np.testing.assert_allclose(
        left.bars,
        [
            [[0.1, 59.5], [0.1, 60.5]],
            [[1.0, 54.7], [1.0, 55.3]],
            [[20.0, 69.6], [20.0, 70.4]],
            [[10.0, 74.8], [10.0, 75.2]],
            [[0.1, 60.0], [10.0, 60.0]],  # the line first goes right, then up
            [[10.0, 60.0], [10.0, 75.0]],
        ],
    )


def test_the_figure_says_what_it_is_of(drawn: Drawn) -> None:
    figure, _ = drawn
    assert key(figure) == ("Accuracy against cost", {"inductive": BLUE, "transductive": RED})
    told = caption(figure)
    assert told.startswith("cifar-fs, test classes · conv4-64 · 5-way 1-shot, 15 queries a class")
    assert "2,000 episodes · mean and 95 % interval over episodes · line: no method is" in told
    assert told.endswith("embeddings that methods share")


def test_where_none_was_trained_all_stand_at_none() -> None:
    _, right = cost_figure(frame_of(tracked(0, train_seconds=0.0))).axes
    assert [point.x for point in intervals(right)] == right.get_xticks().tolist() == [1.0]
    assert [text.get_text() for text in right.get_xticklabels()] == ["none"]
    assert right.get_xlim() == (0.625, 2)
    assert len(right.lines) == 2  # the point and the front; no border to those with cost


def test_where_all_were_trained_nothing_stands_apart_and_backbones_are_named() -> None:
    runs = [
        tracked(
            i, backbone=b, train_seconds=60.0 * (i + 2), ms_per_episode=i + 2.0, mean=0.5 + i / 9
        )
        for i, b in enumerate(["conv4-64", "resnet18"])
    ]
    figure = cost_figure(frame_of(*runs))
    left, right = figure.axes
    assert [point.x for point in intervals(right)] == [2, 3]
    assert "none" not in [text.get_text() for text in right.get_xticklabels()]
    assert names(left) == ["proto-net (conv4-64)", "proto-net (resnet18)"]
    figure.draw_without_rendering()
    assert {text.get_text() for text in left.get_xticklabels(minor=True)} <= {""}


@given(st.lists(points, max_size=8))
def test_nothing_beats_the_front_and_it_beats_all_else(found: list[tuple[float, float]]) -> None:
    costs, values = ([p[i] for p in found] for i in (0, 1))
    front = pareto(costs, values)
    assert [costs[i] for i in front] == sorted({costs[i] for i in front})

    def beats(i: int, j: int) -> bool:
        no_worse = costs[i] <= costs[j] and values[i] >= values[j]
        return no_worse and (found[i] != found[j] or i < j)

    assert set(front) == {
        j for j in range(len(found)) if not any(beats(i, j) for i in range(len(found)) if i != j)
    }
