"""Shots against shots."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures import shots
from fewshot_bench.report.figures.shots import shots_figure
from tests.report.figures.drawn import (
    BLUE,
    RED,
    SIB,
    Labelled,
    caption,
    frame_of,
    intervals,
    key,
    labelled,
    names,
    path,
    runs_of,
)
from tests.report.samples import tracked

Drawn = tuple[Figure, list[Labelled]]


@pytest.fixture(scope="module")
def drawn() -> Iterator[Drawn]:
    """Two methods at both numbers of shots, and one at one of them."""
    runs = [
        tracked(0, mean=0.5, ci95=0.004),
        tracked(1, mean=0.7, ci95=0.003, n_shot=5),
        tracked(2, mean=0.65, ci95=0.005, **SIB),
        tracked(3, mean=0.75, ci95=0.002, n_shot=5, **SIB),
        tracked(4, mean=0.6, method="feat"),
    ]
    with labelled(shots) as asked:
        yield shots_figure(frame_of(*runs)), asked


def words(axes: Axes) -> list[Annotation]:
    """What is written at the upper ends of lines of equal gain."""
    found = [each for each in axes.texts if isinstance(each, Annotation)]
    return [each for each in found if each.get_text().endswith(("points", "gain"))]


def gains(axes: Axes) -> dict[str, np.ndarray]:
    """Both ends of the lines of equal gain, by what is written at the upper one."""
    lines = {tuple(path(line)[-1]): path(line) for line in axes.lines}
    return {each.get_text(): lines[each.xy] for each in words(axes)}


def sides(axes: Axes) -> dict[str, tuple[object, ...]]:
    """Which way from its line's end each of the words stands, and which end of it."""
    return {
        each.get_text(): (each.anncoords, *each.xyann, each.get_horizontalalignment())
        for each in words(axes)
    }


def test_a_method_stands_at_its_two_accuracies_with_both_intervals(drawn: Drawn) -> None:
    figure, _ = drawn
    (axes,) = figure.axes
    assert intervals(axes) == [(50, 70, 0.4, 0.3, BLUE), (65, 75, 0.5, 0.2, RED)]
    assert {"proto-net", "ssl-meta"} <= set(names(axes))
    assert "feat" not in names(axes)
    assert axes.get_xlabel() == "accuracy at 1 shot, %"
    assert axes.get_ylabel() == "accuracy at 5 shots, %"
    assert key(figure) == (
        "Accuracy at 1 against 5 shots",
        {"inductive": BLUE, "transductive": RED},
    )
    assert caption(figure) == (
        "cifar-fs, test classes · conv4-64 · 5-way, 15 queries a class, balanced · "
        "2,000 episodes · mean and 95 % interval over episodes · "
        "not drawn, for want of one of the two: 1"
    )


def test_names_leave_the_intervals_free(drawn: Drawn) -> None:
    (asked,) = drawn[1]
    assert asked.names == ["proto-net", "ssl-meta"]
    np.testing.assert_allclose(asked.points, [[50, 70], [65, 75]])
    np.testing.assert_allclose(
        asked.bars,
        [
            [[49.6, 70], [50.4, 70]],
            [[64.5, 75], [65.5, 75]],
            [[50, 69.7], [50, 70.3]],
            [[65, 74.8], [65, 75.2]],
        ],
    )


def test_lines_of_equal_gain_are_where_they_say(drawn: Drawn) -> None:
    (axes,) = drawn[0].axes
    # All that was measured lies in 49.6 to 65.5 and 69.7 to 75.2; 5 % of it are free around.
    limits = 48.805, 66.295, 69.425, 75.475
    assert (*axes.get_xlim(), *axes.get_ylim()) == pytest.approx(limits)
    left, _, bottom, top = limits
    found = gains(axes)
    # From 5 points on the upper left would be too short a line, and so would 25 on the lower.
    assert list(found) == ["+10 points", "+15 points", "+20 points"]
    for gain, ends in zip((10, 15, 20), found.values(), strict=True):
        low = max(left, bottom - gain)
        assert ends == pytest.approx(np.array([[low, low + gain], [top - gain, top]]))


def test_words_stand_below_lines_that_end_above_and_over_those_that_end_at_the_right(
    drawn: Drawn,
) -> None:
    (axes,) = drawn[0].axes
    assert {*sides(axes).values()} == {("offset points", -4, -9, "right")}
    runs = [
        tracked(i, n_shot=k, mean=mean, backbone=b, ci95=0.0)
        for i, (b, k, mean) in enumerate(
            [("conv4-64", 5, 0.6), ("conv4-64", 8, 0.62), ("b", 5, 0.7), ("b", 8, 0.71)]
        )
    ]
    figure = shots_figure(frame_of(*runs))
    (axes,) = figure.axes
    # From 59.5 to 70.5 and from 61.55 to 71.45: at 0 the line leaves at the right, else on top.
    assert sides(axes) == {
        "no gain": ("offset points", -4, 4, "right"),
        "+5 points": ("offset points", -4, -9, "right"),
        "+10 points": ("offset points", -4, -9, "right"),
    }
    found = gains(axes)
    assert found["no gain"] == pytest.approx(np.array([[61.55, 61.55], [70.5, 70.5]]))
    assert found["+5 points"] == pytest.approx(np.array([[59.5, 64.5], [66.45, 71.45]]))
    assert axes.get_xlabel() == "accuracy at 5 shots, %"
    assert axes.get_ylabel() == "accuracy at 8 shots, %"
    assert {"proto-net (b)", "proto-net (conv4-64)"} <= set(names(axes))
    assert caption(figure).endswith("mean and 95 % interval over episodes")


@pytest.mark.parametrize("accuracies", [[0.5], [0.5, 0.6, 0.7]])
def test_one_and_three_numbers_of_shots_are_refused(accuracies: list[float]) -> None:
    with pytest.raises(UsageError, match="choose two with --shots"):
        shots_figure(frame_of(*runs_of({"a": accuracies})))


def test_methods_without_both_shots_make_no_figure() -> None:
    with pytest.raises(UsageError, match="no method was measured at both 1 and 5 shots"):
        shots_figure(frame_of(tracked(0), tracked(1, n_shot=5, **SIB)))
