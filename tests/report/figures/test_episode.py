"""An episode before and after refinement, as it is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.episode import episode_figure
from fewshot_bench.report.figures.refined import (
    RefinedEpisode,
    Step,
    changes,
    plane,
    shortened,
    summary,
)
from tests.report.figures.drawn import boxes, caption, names, overlapping, path

Floats = NDArray[np.float64]
N_WAY, DIM = 3, 6
RNG = np.random.default_rng(0)
MEANS = np.eye(N_WAY, DIM) * [[3], [2], [1]]
LABELS = np.repeat(np.arange(N_WAY), 4)


def unit(points: Floats) -> Floats:
    found: Floats = points / np.linalg.norm(points, axis=-1, keepdims=True)
    return found


def answers(*wrong: int) -> NDArray[np.int64]:
    """The truth but for some queries, whose answer is the next class."""
    found = LABELS.copy()
    found[list(wrong)] = (found[list(wrong)] + 1) % N_WAY
    return found


EPISODE = RefinedEpisode(
    classes=("apple", "bee", "a_very_long_name_of_a_class"),
    support=unit(MEANS),
    support_labels=np.arange(N_WAY),
    query=unit(MEANS[LABELS] + 0.2 * RNG.normal(size=(len(LABELS), DIM))),
    query_labels=LABELS,
    steps=(
        Step(0, answers(0, 5, 7), unit(MEANS)),
        Step(1, answers(0, 5), unit(MEANS + 0.3)),
        Step(2, answers(5, 9), unit(MEANS + 0.6)),
    ),
)


def drawn(figure: Figure) -> list[list[PathCollection]]:
    panels = [axes for axes in figure.axes if axes.get_title("left")]
    return [[c for c in axes.collections if isinstance(c, PathCollection)] for axes in panels]


def test_what_changed_is_counted() -> None:
    assert changes(EPISODE).tolist() == [0, 7, 9]
    assert summary(EPISODE) == (
        "from step 0 to 2, 3 of 12 answers changed: 2 became right, 1 became wrong, 0 are as "
        "wrong as before"
    )
    assert summary(replace(EPISODE, steps=EPISODE.steps[:1])) == "the method refines nothing"


def test_a_panel_a_step_with_wrong_answers_open_and_changed_ones_ringed() -> None:
    figure = episode_figure(EPISODE, "title", "what")
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == ["k = 0: 9 of 12 right", "k = 1: 10 of 12 right", "k = 2: 10 of 12 right"]
    origin, directions = plane(EPISODE)
    places = (EPISODE.query - origin) @ directions.T
    for panel, step in zip(drawn(figure), EPISODE.steps, strict=True):
        rings = panel[-1].get_offsets()
        moved = step.answers != EPISODE.steps[0].answers
        np.testing.assert_allclose(np.asarray(rings), places[moved])
        open_ones = [c for c in panel if not np.size(c.get_facecolor()) and c is not panel[-1]]
        n_open = sum(len(np.asarray(c.get_offsets())) for c in open_ones)
        assert n_open == (step.answers != LABELS).sum()
    assert caption(figure).startswith(summary(EPISODE) + " · what")


def test_class_weights_leave_their_way_and_are_named() -> None:
    figure = episode_figure(EPISODE, "", "")
    last = figure.axes[2]
    origin, directions = plane(EPISODE)
    ways = [path(line) for line in last.lines if line.get_linestyle() == "-"]
    for label, way in enumerate(w for w in ways if len(w) > 1):
        weights = [s.weights[label] for s in EPISODE.steps if s.weights is not None]
        expected = [(each - origin) @ directions.T for each in weights]
        np.testing.assert_allclose(way, expected)
    assert names(last) == ["apple", "bee", "a very long n…"]
    assert overlapping(boxes(figure, last.texts)) == []
    assert len({(*axes.get_xlim(), *axes.get_ylim()) for axes in figure.axes}) == 1


def test_a_method_without_weights_has_the_means_of_what_was_taken_for_a_class() -> None:
    steps = tuple(replace(step, weights=None) for step in EPISODE.steps)
    figure = episode_figure(replace(EPISODE, steps=steps), "", "")
    origin, directions = plane(EPISODE)
    taken = np.concatenate([EPISODE.support[:1], EPISODE.query[EPISODE.steps[0].answers == 0]])
    mark = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    np.testing.assert_allclose(path(mark)[0], (taken.mean(0) - origin) @ directions.T)
    assert "large: means of what was taken for each class" in caption(figure)


def test_images_whose_answers_changed_say_what_they_were_taken_for() -> None:
    images = np.zeros((12, 8, 8, 3), np.uint8)
    figure = episode_figure(replace(EPISODE, images=images), "", "")
    told = [axes.get_xlabel() for axes in figure.axes[3:]]
    assert told == ["bee\n→ apple ✓", "a very lo…\n→ bee ✓", "a very lo…\n→ apple ✗"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["Greek/alpha", "Greek/beta"], ["alpha", "beta"]),
        (["Greek/a", "Latin/a"], ["Greek/a", "Latin/a"]),
        (["Georgian-10D2", "Georgian-10D3"], ["Geo…10D2", "Geo…10D3"]),
        (["sweet_pepper", "fig"], ["sweet p…", "fig"]),
    ],
)
def test_short_names_are_told_apart(given: list[str], shown: list[str]) -> None:
    assert shortened(given, 8) == shown


def test_the_plane_is_where_the_true_means_lie_apart_and_never_mirrored() -> None:
    points = np.concatenate([EPISODE.support, EPISODE.query])
    labels = np.concatenate([EPISODE.support_labels, LABELS])
    means = np.stack([points[labels == c].mean(0) for c in range(N_WAY)])
    origin, directions = plane(EPISODE)
    spread = means - means.mean(0)
    np.testing.assert_allclose(origin, means.mean(0))
    np.testing.assert_allclose(spread @ directions.T @ directions, spread, atol=1e-12)  # rank 2
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    assert (directions[[0, 1], np.abs(directions).argmax(1)] > 0).all()


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="an episode of 20 classes cannot be drawn"):
        episode_figure(replace(EPISODE, classes=["c"] * 20), "", "")
