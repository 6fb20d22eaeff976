"""An episode before and after refinement, as it is drawn."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures import episode
from fewshot_bench.report.figures.episode import episode_figure
from fewshot_bench.report.figures.refined import plane, projected, summary
from fewshot_bench.report.figures.style import INK
from tests.report.figures.drawn import (
    Labelled,
    boxes,
    caption,
    key,
    labelled,
    names,
    overlapping,
    path,
)
from tests.report.figures.refining import EPISODE, LABELS, N_WAY, Floats

Drawn = tuple[Figure, list[Labelled]]
FLAT = projected(EPISODE)
IMAGES = np.stack([np.full((8, 8, 1), 17 * query, np.uint8) for query in range(len(LABELS))])


@pytest.fixture(scope="module")
def drawn() -> Iterator[Drawn]:
    """Of as many classes as can be drawn here."""
    with pytest.MonkeyPatch.context() as patch, labelled(episode) as asked:
        patch.setattr(episode, "_MOST_CLASSES", N_WAY)
        yield episode_figure(EPISODE, "title", "what"), asked


def marked(axes: Axes) -> list[PathCollection]:
    """Of each class queries answered right, others, and its own mark; then the rings."""
    return [each for each in axes.collections if isinstance(each, PathCollection)]


def places(marks: PathCollection) -> Floats:
    return np.asarray(marks.get_offsets(), np.float64).reshape(-1, 2)


def filling(marks: PathCollection) -> str:
    """Colour inside; none: empty."""
    colours = marks.get_facecolor()
    return to_hex(colours[0]) if len(colours) else ""  # type: ignore[arg-type]


def shape(marks: PathCollection) -> bytes:
    return np.asarray(marks.get_paths()[0].vertices).tobytes()


def border(marks: PathCollection) -> str:
    (colour,) = marks.get_edgecolor()  # type: ignore[misc]
    return to_hex(colour)


def test_a_panel_a_step_two_in_a_row_without_numbers(drawn: Drawn) -> None:
    figure, _ = drawn
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == ["k = 0: 9 of 12 right", "k = 1: 10 of 12 right", "k = 2: 10 of 12 right"]
    specs = [axes.get_subplotspec() for axes in figure.axes]
    assert [(s.rowspan.start, s.colspan.start) for s in specs if s] == [(0, 0), (0, 1), (1, 0)]
    low, high = FLAT.limits
    for axes in figure.axes:
        assert [*axes.get_xticks(), *axes.get_yticks()] == []
        assert axes.get_xlim() == pytest.approx((low[0], high[0]))
        assert axes.get_ylim() == pytest.approx((low[1], high[1]))
    assert key(figure) == ("title", {})
    assert caption(figure).startswith(summary(EPISODE) + " · what · a query's shape")
    assert "large: class weights and their way" in caption(figure)
    assert caption(figure).endswith("where the true class means lie furthest apart")


def test_queries_are_filled_where_right_and_ringed_where_the_answer_changed(drawn: Drawn) -> None:
    for axes, step in zip(drawn[0].axes, EPISODE.steps, strict=True):
        found = marked(axes)
        assert len(found) == 3 * N_WAY + 1
        for label in range(N_WAY):
            right, wrong, _ = found[3 * label : 3 * label + 3]
            own, answered = label == LABELS, step.answers == LABELS
            np.testing.assert_allclose(places(right), FLAT.query[own & answered])
            np.testing.assert_allclose(places(wrong), FLAT.query[own & ~answered])
            assert filling(right) == border(right) == border(wrong)
            assert filling(wrong) == ""
        rings = found[-1]
        moved = step.answers != EPISODE.steps[0].answers
        np.testing.assert_allclose(places(rings), FLAT.query[moved])
        assert (filling(rings), border(rings)) == ("", INK)


def test_each_class_has_a_colour_and_a_shape(drawn: Drawn) -> None:
    for axes in drawn[0].axes:
        *found, _ = marked(axes)
        looks = [(filling(one), shape(one)) for one in found[::3]]
        assert [len(set(each)) for each in zip(*looks, strict=True)] == [N_WAY, N_WAY]
        for label, (colour, form) in enumerate(looks):
            _, wrong, own = found[3 * label : 3 * label + 3]
            assert (filling(own), border(own)) == (colour, INK)
            assert shape(wrong) == shape(own) == form


def test_class_weights_leave_their_way_and_are_named(drawn: Drawn) -> None:
    figure, asked = drawn
    for place, (axes, labels) in enumerate(zip(figure.axes, asked, strict=True)):
        for label, way in enumerate(FLAT.paths[place]):
            led, start = axes.lines[2 * label : 2 * label + 2]
            np.testing.assert_allclose(path(led), way)
            np.testing.assert_allclose(path(start), way[:1])
            assert start.get_marker() == "o"
            np.testing.assert_allclose(places(marked(axes)[3 * label + 2]), way[-1:])
        assert names(axes) == labels.names == ["apple", "bee", "a very long n…"]
        assert overlapping(boxes(figure, axes.texts)) == []


def test_names_leave_queries_and_ways_free(drawn: Drawn) -> None:
    span = np.subtract(*FLAT.limits[::-1])
    for place, labels in enumerate(drawn[1]):
        ways = FLAT.paths[place]
        np.testing.assert_allclose(labels.points, ways[:, -1])
        queries, steps = labels.bars[: len(LABELS)], labels.bars[len(LABELS) :]
        np.testing.assert_allclose(queries.mean(1), FLAT.query)
        extent = queries[:, 1] - queries[:, 0]
        np.testing.assert_allclose(extent, np.tile(0.024 * span, (len(LABELS), 1)))
        expected = [way[k : k + 2] for way in ways for k in range(place)]
        np.testing.assert_allclose(steps, np.reshape(expected, (-1, 2, 2)))
        assert labels.mark == 6  # class marks are larger than points of other figures


def test_a_method_without_weights_has_the_means_of_what_was_taken_for_a_class() -> None:
    steps = tuple(replace(step, weights=None) for step in EPISODE.steps)
    figure = episode_figure(replace(EPISODE, steps=steps), "", "")
    origin, directions = plane(EPISODE)
    taken = np.concatenate([EPISODE.support[:1], EPISODE.query[EPISODE.steps[0].answers == 0]])
    mark = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    np.testing.assert_allclose(path(mark)[0], (taken.mean(0) - origin) @ directions.T)
    assert "large: means of what was taken for each class" in caption(figure)


def test_images_whose_answers_changed_say_what_they_were_taken_for(drawn: Drawn) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episode, "_MOST_IMAGES", 2)
        figure = episode_figure(replace(EPISODE, images=IMAGES), "", "")
    panels, strip = figure.axes[:3], figure.axes[3:]
    told = [axes.get_xlabel() for axes in strip]
    assert told == ["bee\n→ apple ✓", "a very lo…\n→ bee ✓"]  # and one more has no room
    for query, axes in zip((0, 7), strip, strict=True):
        (image,) = axes.images
        pixels = np.asarray(image.get_array())
        assert {*pixels.ravel()} == {17 * query}
        shade = image.to_rgba(pixels.reshape(8, 8))[0, 0]
        assert shade[:3] == pytest.approx([17 * query / 255] * 3, abs=0.01)  # black to white
        assert [*axes.get_xticks(), *axes.get_yticks()] == []
        assert axes.get_position().y1 < panels[2].get_position().y0
        assert axes.get_position().height < panels[2].get_position().height / 2
    assert caption(figure).endswith(" · images: first → last answer")
    assert figure.get_figheight() > drawn[0].get_figheight() + 1


@pytest.mark.parametrize("images", [None, IMAGES])
def test_where_no_answer_changed_there_are_no_images(images: np.ndarray | None) -> None:
    figure = episode_figure(replace(EPISODE, steps=EPISODE.steps[:1], images=images), "", "")
    assert len(figure.axes) == 1
    assert caption(figure).startswith("the method refines nothing")
    assert caption(figure).endswith("lie furthest apart")


def test_images_in_colour_are_drawn_too_with_their_last_answers() -> None:
    images = np.zeros((len(LABELS), 8, 8, 3), np.uint8)
    figure = episode_figure(replace(EPISODE, images=images), "", "")
    told = [axes.get_xlabel() for axes in figure.axes[3:]]
    assert told == ["bee\n→ apple ✓", "a very lo…\n→ bee ✓", "a very lo…\n→ apple ✗"]


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="an episode of 20 classes cannot be drawn"):
        episode_figure(replace(EPISODE, classes=["c"] * 20), "", "")
