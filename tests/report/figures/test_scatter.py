"""Shots against shots, and accuracy against cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.cost import cost_figure, pareto
from fewshot_bench.report.figures.shots import shots_figure
from tests.report.figures.drawn import SIB, caption, frame_of, marks, names, path, runs_of
from tests.report.samples import paper_like, tracked

points = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda p: (float(p[0]), float(p[1])))


def test_a_method_stands_at_its_two_accuracies_with_its_name() -> None:
    lacking = tracked(9, method="feat", mean=0.6)
    figure = shots_figure(frame_of(*paper_like(), lacking))
    (axes,) = figure.axes
    assert marks(axes) == [pytest.approx((55.5, 72.0)), pytest.approx((69.0, 71.0))]
    assert {"proto-net", "ssl-meta"} <= set(names(axes))
    assert "feat" not in names(axes)
    assert "not drawn, for want of one of the two: 1" in caption(figure)
    assert axes.get_xlabel() == "accuracy at 1 shot, %"
    assert axes.get_ylabel() == "accuracy at 5 shots, %"


def test_lines_of_equal_gain_are_where_they_say() -> None:
    (axes,) = shots_figure(frame_of(*runs_of({"a": [0.5, 0.7], "b": [0.65, 0.75]}))).axes
    lines = [line for line in axes.lines if line.get_linestyle() == "--"]
    gains = {round(float(y - x)) for line in lines for x, y in path(line)}
    assert gains == {int(n.split()[0]) for n in names(axes) if n.endswith("points")}
    assert {10, 15, 20} <= gains


@pytest.mark.parametrize("shots", [[0.5], [0.5, 0.6, 0.7]])
def test_one_and_three_numbers_of_shots_are_refused(shots: list[float]) -> None:
    with pytest.raises(UsageError, match="choose two with --shots"):
        shots_figure(frame_of(*runs_of({"a": shots})))


def test_methods_without_both_shots_make_no_figure() -> None:
    with pytest.raises(UsageError, match="no method was measured at both 1 and 5 shots"):
        shots_figure(frame_of(tracked(0), tracked(1, n_shot=5, **SIB)))


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


def test_cost_has_time_an_episode_and_of_training_with_their_fronts() -> None:
    cheap = tracked(0, ms_per_episode=0.1, train_seconds=0.0, mean=0.6)
    costly = tracked(1, method="tim", ms_per_episode=20.0, train_seconds=0.0, mean=0.7)
    beaten = tracked(2, method="feat", ms_per_episode=1.0, train_seconds=120.0, mean=0.55)
    figure = cost_figure(frame_of(cheap, costly, beaten))
    left, right = figure.axes
    by_name = {"proto-net": (0.1, 60.0), "tim": (20.0, 70.0), "feat": (1.0, 55.0)}
    assert sorted(marks(left)) == [pytest.approx(p) for p in sorted(by_name.values())]
    assert [text.get_fontweight() for text in left.texts] == ["normal", "bold", "bold"]
    assert names(left) == ["feat", "proto-net", "tim"]
    none, trained = sorted({x for x, _ in marks(right)})
    assert trained == pytest.approx(2.0)
    ticks = dict(zip(right.get_xticks(), right.get_xticklabels(), strict=True))
    assert ticks[none].get_text() == "none"
    assert names(right) == ["feat", "tim"]  # of those without training the best
    assert "neither counts the pretraining" in caption(figure)


def test_where_all_were_trained_or_none_was_there_is_a_figure_too() -> None:
    for seconds in (0.0, 60.0):
        figure = cost_figure(frame_of(tracked(0, train_seconds=seconds)))
        assert [len(marks(axes)) for axes in figure.axes] == [1, 1]
