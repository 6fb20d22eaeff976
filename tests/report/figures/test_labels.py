"""Labels find their places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fewshot_bench.report.figures.labels import (
    axes_size,
    label_points,
    place_labels,
    spread,
    text_size,
    within,
)
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


@pytest.mark.parametrize("corner", [(5.0, 5.0), (595.0, 5.0), (5.0, 395.0), (595.0, 395.0)])
def test_in_a_corner_a_label_stays_inside(corner: tuple[float, float]) -> None:
    mark, size = np.array([corner]), np.array([[60.0, 10.0]])
    ((left, bottom, right, top),) = rectangles(mark, place_labels(mark, size, BOX), size)
    assert left >= 0
    assert bottom >= 0
    assert right <= 600
    assert top <= 400


@pytest.mark.parametrize("half", [3.4, 10.0])
def test_a_label_covers_no_mark_neither_its_own_nor_another(half: float) -> None:
    marks = np.array([[300.0, 200.0], [340.0, 200.0], [300.0, 230.0], [260.0, 204.0]])
    sizes = np.full((4, 2), (60.0, 10.0))
    found = rectangles(marks, place_labels(marks, sizes, BOX, mark=half), sizes)
    for left, bottom, right, top in found:
        apart = np.maximum(marks - [right, top], [left, bottom] - marks).max(1)
        assert (apart >= half - 0.1).all()


def test_of_large_marks_labels_stand_further_away() -> None:
    mark, size = np.array([[300.0, 200.0]]), np.array([[60.0, 10.0]])
    (near,), (far,) = (place_labels(mark, size, BOX, mark=half) for half in (3.4, 13.4))
    assert far[0] > near[0] + 5


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
    notes = [text for text in axes.texts if isinstance(text, Annotation)]
    assert [note.xy for note in notes] == [tuple(point) for point in points.tolist()]
    assert not any(note.get_in_layout() for note in notes)
    led = 0
    for note, box in zip(notes, boxes(figure, notes), strict=True):
        offset, size = np.array(note.xyann), np.array(box.size) * 72 / figure.dpi
        gap = float(np.hypot(*np.maximum(np.abs(offset) - size / 2, 0)))
        assert (note.arrow_patch is not None) == (gap > 9)
        if note.arrow_patch is not None:
            led += 1
            end = offset + (np.array(note.arrowprops["relpos"]) - 0.5) * size  # type: ignore[index]
            assert np.hypot(*end) == pytest.approx(gap, abs=0.5)  # the nearest point of the label
    assert 0 < led < len(notes)


@pytest.mark.parametrize("dpi", [72, 200])
def test_sizes_are_told_in_points_whatever_the_resolution(dpi: int) -> None:
    axes = Figure(figsize=(4, 3), dpi=dpi).add_axes((0.25, 0.25, 0.5, 0.5))
    assert axes_size(axes) == pytest.approx((144, 108))
    width, height = text_size(axes, "names", {"fontsize": 10})
    assert (width, height) == pytest.approx((32, 10), abs=3)
    assert text_size(axes, "names" * 8, {"fontsize": 10})[0] == pytest.approx(8 * width, rel=0.1)
    assert list(axes.texts) == []


@pytest.mark.parametrize("dpi", [72, 200])
def test_names_are_written_off_bars_whatever_the_resolution(dpi: int) -> None:
    axes = Figure(figsize=(8, 5), dpi=dpi).subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    point, style = np.array([[5.0, 5.0]]), {"fontsize": 8}
    label_points(axes, point, ["a-name"], [style])
    free = np.array(axes.texts[0].xyann)  # type: ignore[attr-defined]
    pixels = axes.transData.transform(point[0]) + free * dpi / 72
    height = axes.transData.inverted().transform(pixels)[1]  # where the middle of the name is
    label_points(axes, point, ["a-name"], [style], np.array([[[4.0, height], [6.0, height]]]))
    moved = np.array(axes.texts[1].xyann)  # type: ignore[attr-defined]
    size = np.array(text_size(axes, "a-name", style))
    assert abs(moved[1] - free[1]) > size[1] / 2
    for note, offset in zip(axes.texts, (free, moved), strict=True):
        assert isinstance(note, Annotation)
        assert (note.anncoords, note.arrow_patch) == ("offset points", None)
        assert {note.get_horizontalalignment(), note.get_verticalalignment()} == {"center"}
        assert 2 < np.hypot(*np.maximum(np.abs(offset) - size / 2, 0)) < 9  # near, not over it


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
