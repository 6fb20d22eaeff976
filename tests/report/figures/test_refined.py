"""An episode as a method refines its answers, in numbers and in words."""

from dataclasses import replace

import numpy as np
import pytest

from fewshot_bench.report.figures.refined import (
    Flat,
    changes,
    plane,
    projected,
    shortened,
    summary,
)
from tests.report.figures.refining import EPISODE, LABELS, N_WAY


def test_what_changed_is_counted() -> None:
    assert changes(EPISODE).tolist() == [0, 7, 9]
    assert summary(EPISODE) == (
        "from step 0 to 2, 3 of 12 answers changed: 2 became right, 1 became wrong, 0 are as "
        "wrong as before"
    )
    assert summary(replace(EPISODE, steps=EPISODE.steps[:1])) == "the method refines nothing"


def test_what_was_wrong_and_stays_wrong_is_neither() -> None:
    first, last = EPISODE.steps[0], EPISODE.steps[-1]
    answers = last.answers.copy()
    answers[5] = 0  # it is 1, and was taken for 2 before
    found = summary(replace(EPISODE, steps=(first, replace(last, answers=answers))))
    assert found == (
        "from step 0 to 2, 4 of 12 answers changed: 2 became right, 1 became wrong, 1 are as "
        "wrong as before"
    )


def test_limits_leave_eight_percent_on_all_sides_of_queries_and_marks() -> None:
    queries = np.array([[2.0, 10.0], [4.0, 20.0]])
    ways = [np.array([[[3.0, 15.0]]]), np.array([[[3.0, 15.0], [12.0, 30.0]]])]
    low, high = Flat(queries, ways).limits
    assert low == pytest.approx([2 - 0.8, 10 - 1.6])
    assert high == pytest.approx([12 + 0.8, 30 + 1.6])


def test_marks_keep_the_way_that_they_came() -> None:
    flat = projected(EPISODE)
    assert [way.shape for way in flat.paths] == [(N_WAY, k, 2) for k in (1, 2, 3)]
    origin, directions = plane(EPISODE)
    np.testing.assert_allclose(flat.query, (EPISODE.query - origin) @ directions.T)
    for place, step in enumerate(EPISODE.steps):
        assert step.weights is not None
        expected = (step.weights - origin) @ directions.T
        for way in flat.paths[place:]:
            np.testing.assert_allclose(way[:, place], expected)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["Greek/alpha", "Greek/beta"], ["alpha", "beta"]),
        (["Greek/a", "Latin/a"], ["Greek/a", "Latin/a"]),
        (["Georgian-10D2", "Georgian-10D3"], ["Geo…10D2", "Geo…10D3"]),
        (["sweet_pepper", "fig"], ["sweet p…", "fig"]),
        (["Greek/", "Latin/a"], ["Greek/", "Latin/a"]),
        (["of_eight", "one_of_9"], ["of eight", "one of 9"]),
        (["Georgian-1", "Georgian-2", "of_eight"], ["Geo…an-1", "Geo…an-2", "of eight"]),
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
