"""Metrics of answers, against scikit-learn, by hand, and by what must hold whatever the answers."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from fewshot_bench.statistics.metrics import (
    N_BINS,
    accuracy_by_class,
    accuracy_of_sums,
    calibration_error,
    calibration_gaps,
    class_sums,
    confusion,
    expected_calibration_error,
    macro_f1,
    row_shares,
)

N_WAY = 4
Rows = NDArray[np.int64]


@st.composite
def answered(draw: st.DrawFn) -> tuple[Rows, Rows]:
    """Classes of queries and what they were taken for, some right, some classes left out."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    true = draw(arrays(np.int64, shape, elements=st.integers(0, N_WAY - 1)))
    other = draw(arrays(np.int64, shape, elements=st.integers(0, N_WAY - 1)))
    right = draw(arrays(np.bool_, shape))
    return true, np.where(right, true, other)


CONFIDENCES = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1))


@given(answered())
def test_macro_f1_is_scikit_learns(rows: tuple[Rows, Rows]) -> None:
    true, predicted = rows
    expected = [reference.f1_score(t, p, average="macro") for t, p in zip(*rows, strict=True)]
    assert macro_f1(predicted, true, N_WAY) == pytest.approx(expected, abs=1e-12)


@given(answered(), st.permutations(range(N_WAY)))
def test_macro_f1_does_not_know_the_names_of_classes(
    rows: tuple[Rows, Rows], order: list[int]
) -> None:
    true, predicted = rows
    names = np.asarray(order)
    renamed = macro_f1(names[predicted], names[true], N_WAY)
    assert renamed == pytest.approx(macro_f1(predicted, true, N_WAY))


@given(answered())
def test_macro_f1_is_one_if_all_is_right_and_zero_if_nothing_is(rows: tuple[Rows, Rows]) -> None:
    true, predicted = rows
    found, accuracies = macro_f1(predicted, true, N_WAY), (true == predicted).mean(1)
    assert ((found >= 0) & (found <= 1)).all()
    assert ((found == 1) == (accuracies == 1)).all()
    assert ((found == 0) == (accuracies == 0)).all()


def test_macro_f1_by_hand() -> None:
    # F1 of class 0: 2·1/(2+1); of class 1: 2·1/(1+2); class 2 is neither asked nor answered.
    true, predicted = np.array([[0, 0, 1]]), np.array([[0, 1, 1]])
    assert macro_f1(predicted, true, 3) == pytest.approx([2 / 3])
    # Nine of ten are right, but the class that is rare is never found.
    rare = np.array([[0] * 9 + [1]])
    assert macro_f1(np.zeros_like(rare), rare, 2) == pytest.approx([0.5 * 18 / 19])


@given(CONFIDENCES, st.integers(1, 30), st.integers(0, 2**32 - 1))
@example(np.array([0.0, 1.0, 1 / 15, np.nextafter(1 / 15, 1)]), 15, 0)
def test_calibration_is_that_of_scikit_learns_curve(
    confidences: NDArray[np.float64], n_bins: int, seed: int
) -> None:
    hits = np.random.default_rng(seed).random(len(confidences)) < 0.5
    edges = np.linspace(0, 1, n_bins + 1)
    on_edge = np.isclose(confidences[:, None], edges[1:-1], atol=1e-12).any(1)
    confidences, hits = confidences[~on_edge], hits[~on_edge]  # theirs are closed on the left
    if not len(hits):
        return
    right, mean = calibration_curve(hits, confidences, n_bins=n_bins)
    counts = np.histogram(confidences, edges)[0]
    expected = np.sum(counts[counts > 0] * np.abs(right - mean)) / len(hits)
    assert expected_calibration_error(confidences, hits, n_bins) == pytest.approx(expected)


def test_calibration_by_hand() -> None:
    # Of four queries, two in the bin around 0.5 (one right), two in the last (both right).
    confidences = np.array([[0.52, 0.5], [1.0, 0.96]])
    hits = np.array([[True, False], [True, True]])
    assert expected_calibration_error(confidences, hits) == pytest.approx((0.02 + 0.04) / 4)
    # An edge belongs to the bin below it: 0.5 and 0.6 do not meet, and their gaps do not cancel.
    edge = np.array([0.5, 0.6])
    assert expected_calibration_error(edge, np.array([True, False]), 2) == pytest.approx(1.1 / 2)


@given(CONFIDENCES, st.integers(0, 2**32 - 1))
def test_calibration_in_batches_is_that_of_all(confidences: NDArray[np.float64], seed: int) -> None:
    rng = np.random.default_rng(seed)
    hits = rng.random(len(confidences)) < confidences
    cut = rng.integers(len(hits) + 1)
    gaps = calibration_gaps(confidences[:cut], hits[:cut])
    assert gaps.shape == (N_BINS,)
    gaps += calibration_gaps(confidences[cut:], hits[cut:])
    whole = expected_calibration_error(confidences, hits)
    assert calibration_error(gaps, len(hits)) == pytest.approx(whole, abs=1e-12)
    overall = abs(hits.mean() - confidences.mean())  # with one bin; more bins see more
    assert overall - 1e-12 <= whole <= 1


def test_who_is_sure_and_right_is_calibrated_and_nan_is_not_hidden() -> None:
    hits = np.ones(5, dtype=bool)
    assert expected_calibration_error(np.ones(5), hits) == 0
    assert expected_calibration_error(np.ones(5), ~hits) == 1
    for odd in (np.nan, np.inf):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isnan(expected_calibration_error(np.array([0.5, odd]), hits[:2]))
    assert np.isnan(expected_calibration_error(np.empty(0), hits[:0]))


@given(answered())
def test_confusion_is_scikit_learns(rows: tuple[Rows, Rows]) -> None:
    flat = [row.ravel() for row in rows]
    counts, labels = confusion(*rows, N_WAY), range(N_WAY)
    assert (counts == reference.confusion_matrix(*flat, labels=labels)).all()
    expected: Any = reference.confusion_matrix(*flat, labels=labels, normalize="true")
    assert row_shares(counts) == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
@given(answered())
def test_accuracy_by_class_is_the_diagonal_of_the_confusion(rows: tuple[Rows, Rows]) -> None:
    found, shares = accuracy_by_class(*rows, N_WAY), row_shares(confusion(*rows, N_WAY))
    asked = found.queries > 0
    assert found.accuracy[asked] == pytest.approx(shares.diagonal()[asked])
    assert np.isnan(found.accuracy[~asked]).all()
    assert (found.queries == confusion(*rows, N_WAY).sum(1)).all()
    assert (found.episodes == [(rows[0] == c).any(1).sum() for c in range(N_WAY)]).all()
    assert (np.isnan(found.ci95) == (found.episodes < 2)).all()


@pytest.mark.parametrize("n", [2, 40])
def test_with_equal_queries_the_interval_is_that_of_the_mean_over_episodes(n: int) -> None:
    rng = np.random.default_rng(1)
    true = np.tile(np.repeat(np.arange(3), 10), (n, 1))
    predicted = np.where(rng.random(true.shape) < rng.random((n, 1)), true, (true + 1) % 3)
    found = accuracy_by_class(true, predicted, 3)
    of_episodes = (true == predicted).reshape(n, 3, 10).mean(2)
    for c in range(3):
        interval = stats.ttest_1samp(of_episodes[:, c], 0).confidence_interval(0.95)
        assert found.accuracy[c] == pytest.approx((interval.low + interval.high) / 2)
        assert found.ci95[c] == pytest.approx((interval.high - interval.low) / 2)


def test_rounding_makes_no_interval_and_takes_none() -> None:
    """Episodes that agree have an interval of nothing, and one episode has none."""
    q, h = (grid.ravel() for grid in np.meshgrid(np.arange(1, 80), np.arange(80)))
    one = np.stack([np.ones_like(q), q, h, q**2, q * h, h**2])[:, h <= q]
    assert np.isnan(accuracy_of_sums(one).ci95).all()
    assert accuracy_of_sums(3 * one).ci95 == pytest.approx(np.zeros(one.shape[1]), abs=1e-6)


def test_intervals_cover_the_truth_if_queries_are_imbalanced_and_episodes_differ() -> None:
    rng = np.random.default_rng(0)
    covered, trials = 0, 600
    for _ in range(trials):
        true = (rng.random((60, 20)) < rng.beta(2, 2, (60, 1))).astype(np.int64)
        right = rng.random(true.shape) < rng.beta(6, 4, (60, 1))  # 0.6 in the mean
        found = accuracy_by_class(true, np.where(right, true, 1 - true), 2)
        covered += abs(found.accuracy[0] - 0.6) <= found.ci95[0]
    assert 0.92 <= covered / trials <= 0.98


@given(answered(), st.integers(0, 6))
def test_sums_of_batches_add_up(rows: tuple[Rows, Rows], cut: int) -> None:
    true, predicted = rows
    sums = class_sums(true[:cut], predicted[:cut], N_WAY)
    parts = accuracy_of_sums(sums + class_sums(true[cut:], predicted[cut:], N_WAY))
    whole = accuracy_by_class(true, predicted, N_WAY)
    for name in ("accuracy", "ci95", "queries", "episodes"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name), equal_nan=True)


@given(answered())
def test_what_is_always_right_has_an_interval_of_nothing(rows: tuple[Rows, Rows]) -> None:
    found = accuracy_by_class(rows[0], rows[0], N_WAY)
    assert set(found.accuracy[found.queries > 0]) == {1.0}
    assert set(found.ci95[found.episodes > 1]) <= {0.0}
