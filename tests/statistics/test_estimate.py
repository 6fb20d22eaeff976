"""Tests and intervals of an estimate agree, and err as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.statistics.crossed import crossed_difference
from fewshot_bench.statistics.estimate import Estimate
from tests.statistics.simulated import two_methods

numbers = st.floats(-10, 10).filter(lambda x: x == 0 or abs(x) > 1e-3)
variances = st.floats(1e-3, 10)


def estimate(mean: float, episodes: float, seeds: float, seed_df: float = 2) -> Estimate:
    values = (mean, episodes, 999, seeds, seed_df)
    return Estimate(*(np.asarray(value, np.float64) for value in values))


@given(numbers, variances, st.just(0.0) | variances, st.floats(1, 8), st.floats(0.5, 0.999))
def test_a_test_rejects_what_its_interval_lacks(
    mean: float, episodes: float, seeds: float, df: float, confidence: float
) -> None:
    found = estimate(mean, episodes, seeds, df)
    half = found.half_width(confidence)
    if abs(abs(mean) - half) > 1e-6:
        assert (found.p_value < 1 - confidence) == (abs(mean) > half)
    edge = abs(mean) + half  # equivalence: the interval of 1 - 2 alpha lies within the margin
    assert found.equivalence(edge * 1.001) < (1 - confidence) / 2
    assert found.equivalence(edge * 0.999) > (1 - confidence) / 2


@given(numbers, variances)
def test_with_one_level_it_is_students_t(mean: float, variance: float) -> None:
    found, error = estimate(mean, variance, 0), np.sqrt(variance)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(mean) / error, 999))
    below = stats.t.sf((1 - mean) / error, 999), stats.t.cdf((-1 - mean) / error, 999)
    assert found.equivalence(1) == pytest.approx(max(below))


@pytest.mark.parametrize("mean", [0.0, 0.3])
def test_what_never_varies_is_certain(mean: float) -> None:
    found = estimate(mean, 0, 0)
    assert found.half_width() == 0
    assert found.p_value == float(mean == 0)
    assert found.equivalence(0.5) == 0
    assert found.equivalence(0.1) == float(mean > 0.1)


@pytest.mark.parametrize("n_seeds", [(1, 1), (3, 3), (5, 1)])
def test_tests_err_in_5_of_100_studies(n_seeds: tuple[int, int]) -> None:
    """Of no difference where there is none, and of equivalence at the margin itself."""
    same, margin, seed_sd = n_seeds[0] == n_seeds[1], 2.0, 0.3

    def studies(difference: float) -> Estimate:
        values = two_methods(n_seeds, seed_sd, difference=difference, repeats=2000)
        return crossed_difference(*values, same_seeds=same)

    assert 0.03 <= (studies(0).p_value < 0.05).mean() <= 0.07
    grown = margin * np.sqrt(2000 / 30)
    assert 0.03 <= (studies(margin).equivalence(grown) < 0.05).mean() <= 0.07
    assert (studies(0).equivalence(grown) < 0.05).mean() > 0.8  # and finds what is so
