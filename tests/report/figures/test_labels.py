"""Labels find their places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fewshot_bench.report.figures.labels import label_points, place_labels, spread, within
from tests.report.figures.drawn import boxes, overlapping

BOX = np.array([0.0, 0.0, 600.0, 400.0])
numbers = st.floats(-100, 100, allow_nan=False)


def rectangles(marks: np.ndarray, offsets: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    middles = marks + offsets
    return np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1)


def test_a_label_alone_stands_close_to_the_right() -> None:
    (offset,) = place_labels(np.array([[300.0, 200.0]]), np.array([[60.0, 10.0]]), BOX)
    assert 30 < offset[0] < 45
    assert abs(offset[1]) < 12


@given(st.integers(0, 2**32), st.integers(2, 25))
@settings(max_examples=15)
def test_no_label_covers_another_or_leaves_the_box_where_there_is_room(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    marks = rng.uniform((50, 50), (550, 350), (n, 2))
    sizes = np.column_stack([rng.uniform(20, 90, n), np.full(n, 10.0)])
    found = rectangles(marks, place_labels(marks, sizes, BOX), sizes)
    assert (found[:, :2] >= -1).all()
    assert (found[:, 2:] <= BOX[2:] + 1).all()
    low = np.maximum(found[:, None, :2], found[None, :, :2])
    high = np.minimum(found[:, None, 2:], found[None, :, 2:])
    shared = (high - low).clip(min=0).prod(-1)
    np.fill_diagonal(shared, 0)
    assert shared.max() < 1


def test_places_are_the_same_each_time() -> None:
    marks = np.random.default_rng(0).uniform(100, 140, (12, 2))
    sizes = np.full((12, 2), (50.0, 10.0))
    np.testing.assert_array_equal(place_labels(marks, sizes, BOX), place_labels(marks, sizes, BOX))


def test_a_label_gives_way_to_a_line() -> None:
    mark, size = np.array([[300.0, 200.0]]), np.array([[60.0, 10.0]])
    bar = np.array([[[300.0, 200.0], [400.0, 200.0]]])
    (free,), (moved,) = (place_labels(mark, size, BOX, bars) for bars in (None, bar))
    assert abs(free[1]) < 5 < abs(moved[1])


def test_no_points_no_labels() -> None:
    assert place_labels(np.zeros((0, 2)), np.zeros((0, 2)), BOX).shape == (0, 2)


def test_names_of_a_crowd_are_drawn_apart_and_led_to_their_marks() -> None:
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    points = np.random.default_rng(1).normal(0, 1, (16, 2)) * 0.2 + [[0, 0]]
    axes.plot(*points.T, "o")
    axes.plot([-3, 3], [-3, 3], alpha=0)
    label_points(axes, points, [f"method-{i} $x$" for i in range(16)], [{"fontsize": 8}] * 16)
    assert axes.texts[3].get_text() == "method-3 $x$"
    assert overlapping(boxes(figure, axes.texts)) == []
    assert any(text.arrow_patch is not None for text in axes.texts)  # type: ignore[attr-defined]


@given(st.lists(numbers, min_size=1, max_size=12).map(sorted), st.floats(0.1, 20))
def test_spread_keeps_the_order_the_gap_and_the_mean(places: list[float], gap: float) -> None:
    found = spread(places, gap)
    assert (np.diff(found) >= gap - 1e-6).all()
    assert np.mean(found) == pytest.approx(np.mean(places), abs=1e-6)
    if (np.diff(places) >= gap).all():
        assert found == pytest.approx(places)


def test_all_places_move_by_the_same_until_they_lie_within() -> None:
    assert within([1.0, 5.0], 0.0, 4.0) == [0.0, 4.0]
    assert within([-2.0, 1.0], 0.0, 4.0) == [0.0, 3.0]
    assert within([1.0, 2.0], 0.0, 4.0) == [1.0, 2.0]
