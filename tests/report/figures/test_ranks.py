"""The critical-difference diagram."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.ranks import complete_part, draw_ranks, ranks_figure
from fewshot_bench.statistics.ranks import Ranks
from tests.report.figures.drawn import (
    BLUE,
    RED,
    boxes,
    caption,
    frame_of,
    key,
    overlapping,
    path,
    runs_of,
)
from tests.report.samples import tracked

RANKS = Ranks(np.array([3.2, 1.0, 1.5, 3.0, 5.0]), 0.01, 1.6, 12)
NAMES = ["fourth", "first", "second", "third", "fifth"]
SETTINGS = ["inductive"] * 3 + ["transductive"] * 2


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_ranks(NAMES, SETTINGS, RANKS, "what")


def drawn(ranks: Ranks) -> Axes:
    n = len(ranks.average)
    (axes,) = draw_ranks([f"m{i}" for i in range(n)], ["inductive"] * n, ranks, "").axes
    return axes


def bars(axes: Axes) -> list[NDArray[np.float64]]:
    """Bars that join ranks, each with both its ends."""
    return [path(line) for line in axes.lines if line.get_linewidth() == 3.2]


def labels(axes: Axes) -> dict[str, Annotation]:
    """Names with their ranks, by what is written."""
    return {text.get_text(): text for text in axes.texts if isinstance(text, Annotation)}


def numbers(axes: Axes) -> dict[str, tuple[float, float]]:
    """Where the ranks are written on the scale."""
    return {t.get_text(): t.get_position() for t in axes.texts if t.get_text().isdecimal()}


def test_names_stand_by_rank_the_better_half_on_the_left(figure: Figure) -> None:
    (axes,) = figure.axes
    found = labels(axes)
    assert list(found) == ["first 1.00", "second 1.50", "third 3.00", "3.20 fourth", "5.00 fifth"]
    left, right = list(found.values())[:3], list(found.values())[3:]
    assert {(n.get_horizontalalignment(), n.xyann[0] < 0) for n in left} == {("right", True)}
    assert {(n.get_horizontalalignment(), n.xyann[0] > 0) for n in right} == {("left", True)}
    for note in found.values():
        assert (note.anncoords, note.get_verticalalignment()) == ("offset points", "center")
        assert note.xyann[1] == 0
    heights = [note.xy[1] for note in found.values()]
    assert heights[0] < heights[1] < heights[2]  # downwards
    assert [heights[4], heights[3]] == heights[:2]
    bottom, top = axes.get_ylim()
    assert top < 0 < heights[0] < heights[2] < bottom
    assert overlapping(boxes(figure, axes.texts)) == []
    assert key(figure) == ("Average ranks", {"inductive": BLUE, "transductive": RED})
    assert caption(figure) == "what"


def test_lines_lead_from_ranks_to_names_and_marks_tell_the_setting(figure: Figure) -> None:
    (axes,) = figure.axes
    # 42 % of the four ranks from 1 to 5 are room on each side, of which 7 % stay free.
    assert axes.get_xlim() == pytest.approx((1 - 1.68, 5 + 1.68))
    leads = {path(line)[0, 0]: path(line) for line in axes.lines if len(path(line)) == 3}
    marks = [line for line in axes.lines if len(path(line)) == 1]
    notes = labels(axes).values()
    for rank, note, mark in zip((1.0, 1.5, 3.0, 3.2, 5.0), notes, marks, strict=True):
        edge = 1 - 0.07 * 1.68 if rank < 3.1 else 5 + 0.07 * 1.68
        assert note.xy[0] == pytest.approx(edge)
        height = note.xy[1]
        assert leads[rank] == pytest.approx(np.array([[rank, 0], [rank, height], [edge, height]]))
        assert path(mark)[0] == pytest.approx([edge, height])
    colours = [to_hex(mark.get_color()).upper() for mark in marks]
    assert colours == [BLUE, BLUE, RED, BLUE, RED]  # first, second, third, fourth, fifth


def test_bars_join_what_may_be_alike_on_as_few_levels_as_can_be(figure: Figure) -> None:
    (axes,) = figure.axes
    found = bars(axes)
    assert [np.round(bar[:, 0], 1).tolist() for bar in found] == [[1, 1.5], [1.5, 3], [3, 3.2]]
    for bar, (first, last) in zip(found, [(1, 1.5), (1.5, 3), (3, 3.2)], strict=True):
        assert bar[0, 0] < first
        assert bar[1, 0] > last  # a little longer, so that it can be seen which it joins
        assert bar[0, 1] == bar[1, 1]
    heights = [bar[0, 1] for bar in found]
    assert 0 < heights[0] == heights[2] < heights[1]  # two that touch lie on two levels
    assert heights[1] < min(note.xy[1] for note in labels(axes).values())
    three = bars(drawn(Ranks(RANKS.average, 0.01, 2.1, 12)))
    assert [np.round(bar[:, 0], 1).tolist() for bar in three] == [[1, 3], [1.5, 3.2], [3, 5]]
    assert len({bar[0, 1] for bar in three}) == 3


def test_without_bars_there_is_no_room_for_them(figure: Figure) -> None:
    axes = drawn(Ranks(np.array([1.0, 2.0, 3.0]), 0.01, 0.5, 12))
    assert bars(axes) == []
    heights = [note.xy[1] for note in labels(axes).values()]
    assert 0 < heights[0] < min(note.xy[1] for note in labels(figure.axes[0]).values())
    # What lies below the line of ranks is told in inches, and all else is as high in both.
    lower, higher = axes.figure.get_figheight(), figure.get_figheight()  # type: ignore[union-attr]
    below = [each.get_ylim()[0] for each in (axes, figure.axes[0])]
    assert lower - below[0] == pytest.approx(higher - below[1])
    assert lower < higher


def test_the_scale_has_the_ranks_that_there_are(figure: Figure) -> None:
    (axes,) = figure.axes
    assert not axes.axison
    assert [(text, x) for text, (x, _) in numbers(axes).items()] == [
        (str(rank), rank) for rank in range(1, 6)
    ]
    above = [path(line) for line in axes.lines if (path(line)[:, 1] <= 0).all()]
    above = [line for line in above if len(line) == 2]
    assert above[0].tolist() == [[1, 0], [5, 0]]
    ticks = [line[:, 0].tolist() for line in above[1:] if line[0, 1] == 0]
    assert ticks == [[rank, rank] for rank in range(1, 6)]
    assert len(above) == 1 + 5 + 3  # the line, its ticks, the critical difference and its ends
    told = [text for text in axes.texts if not isinstance(text, Annotation)]
    assert {text.get_verticalalignment() for text in told} == {"bottom"}
    assert {text.get_horizontalalignment() for text in told[:5]} == {"center"}
    assert len([text for text in told if text.get_position()[1] < 0]) == 5 + 1
    narrow = drawn(Ranks(np.array([2.2, 2.9, 3.0, 3.4, 3.5]), 0.5, 0.9, 12))
    assert list(numbers(narrow)) == ["2", "3", "4"]
    many = drawn(Ranks(np.arange(1.0, 26.0), 0.01, 3.0, 12))
    assert list(numbers(many)) == [str(rank) for rank in range(1, 26, 2)]


def test_the_critical_difference_is_as_long_as_it_says(figure: Figure) -> None:
    for ranks, length, words in [
        (Ranks(RANKS.average, 0.5, 1.6123, 12), 1.6123, "critical difference 1.6"),
        (Ranks(RANKS.average, 0.5, 30, 2), 4, "critical difference 30, more than the whole line"),
        (Ranks(RANKS.average, 0.5, 4.0, 2), 4, "critical difference 4"),
        (Ranks(np.array([1.9, 1.1]), 0.5, 1.0, 2), 1, "critical difference 1"),
    ]:
        axes = drawn(ranks)
        (line,) = (p for p in map(path, axes.lines) if len(p) == 2 and {*p[:, 1]} == {-0.45})
        assert line[:, 0] == pytest.approx([1, 1 + length])
        ends = [p for p in map(path, axes.lines) if len(p) == 2 and p[0, 1] < -0.45 < p[1, 1] < 0]
        assert [end[:, 0].tolist() for end in ends] == [[x, x] for x in line[:, 0]]
        (told,) = (text for text in axes.texts if text.get_text().startswith("critical"))
        assert (told.get_text(), told.get_position()[0]) == (words, 1)
        assert told.get_position()[1] < -0.45


def test_ranks_are_those_of_the_columns_that_all_have() -> None:
    runs = runs_of({"a": [0.7, 0.8, 0.6], "b": [0.6, 0.7, 0.7], "c": [0.5, 0.6]})
    others = [tracked(90 + i, dataset="fc100", method="d", n_shot=k) for i, k in enumerate((1, 5))]
    figure = ranks_figure(frame_of(*runs, *others))
    (axes,) = figure.axes
    assert list(labels(axes)) == ["a 1.00", "b 2.00", "3.00 c"]
    assert caption(figure) == (
        "cifar-fs, test classes · conv4-64 · 5-way, 15 queries a class, balanced · 2,000 episodes "
        "· ranks over 2 columns: 1-shot, 5-shot · bars join ranks within the critical difference "
        "(Nemenyi, 5 %) · Friedman's test that all are alike: p < 0.0001 · "
        "left out, for gaps: 1 of the methods and 3 of the columns"
    )


def test_columns_are_told_by_what_differs_and_the_rest_is_left_out() -> None:
    facts: list[dict[str, Any]] = [
        {"dataset": "fc100"},
        {"n_way": 20, "query_balance": "dirichlet:2"},
    ]
    means = [{"m": 0.5, "n": 0.6, "o": 0.7}, {"m": 0.5, "n": 0.4, "o": 0.7}]
    backbones = {"m": "b", "n": "c", "o": "c"}
    runs = [
        tracked(mean=means[i][method], method=method, backbone=backbone, **facts[i])
        for i in range(2)
        for method, backbone in backbones.items()
    ]
    lone = tracked(method="p", backbone="c", setting="transductive", **facts[0])
    figure = ranks_figure(frame_of(*runs, lone))
    (axes,) = figure.axes
    assert list(labels(axes)) == ["o (c) 1.00", "m (b) 2.50", "2.50 n (c)"]
    told = caption(figure)
    assert "ranks over 2 columns: cifar-fs 20-way dirichlet:2, fc100 5-way balanced ·" in told
    # Ranks 3, 2, 1 and 2, 3, 1: chi square 3, so F is 3 with 2 and 2 degrees of freedom: 1 / 4.
    assert "p = 0.2500" in told
    assert told.endswith("left out, for gaps: 1 of the methods")
    assert key(figure)[1] == {"inductive": BLUE}


@pytest.mark.parametrize(("n", "last"), [(8, "8-shot"), (9, "8-shot, ...")])
def test_of_many_columns_eight_are_named(n: int, last: str) -> None:
    runs = [
        tracked(k, n_shot=k, method=method, mean=mean)
        for k in range(1, n + 1)
        for method, mean in (("a", 0.5), ("b", 0.6))
    ]
    told = caption(ranks_figure(frame_of(*runs)))
    assert f"columns: 1-shot, 2-shot, 3-shot, 4-shot, 5-shot, 6-shot, 7-shot, {last} ·" in told
    assert "left out" not in told


def test_the_largest_part_without_a_gap_is_chosen() -> None:
    nan = float("nan")
    means = pd.DataFrame({"a": [1, 2, nan], "b": [1, 2, 3], "c": [nan, 2, 3], "d": [1, 2, nan]})
    assert complete_part(means).shape == (2, 3)
    assert list(complete_part(means)) == ["a", "b", "d"]
    wide = pd.DataFrame({"a": [1.0] * 5, "b": [1, 2, nan, nan, nan]})
    assert complete_part(wide).shape == (2, 2)  # one method is not ranked, over no columns
    assert complete_part(means[["a"]]).empty
    assert complete_part(means.iloc[:1]).empty


def test_no_two_common_columns_have_no_ranks() -> None:
    with pytest.raises(UsageError, match="no two of these columns have two methods in common"):
        ranks_figure(frame_of(tracked(0), tracked(1, n_shot=5, method="tim")))
