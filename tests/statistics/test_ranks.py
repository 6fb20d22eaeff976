"""Average ranks: Demsar's own numbers, SciPy's, and the rate of errors."""

import numpy as np
import pytest
from scipy import stats

from fewshot_bench.statistics.ranks import average_ranks

# Demsar 2006, table 6: AUC of C4.5 and its variants (m, cf, both) on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_as_demsar_has_them() -> None:
    """Section 3.2.2: average ranks, F = 3.69, and a critical difference of 1.25 at 5 %.

    He does not correct Friedman's statistic for ties, which makes it a little smaller.
    """
    found = average_ranks(DEMSAR)
    assert found.average == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.n_columns == 14
    assert 0.01 < found.p_value < stats.f.sf(3.69, 3, 39)


def test_friedmans_statistic_is_scipys() -> None:
    scores = np.round(np.random.default_rng(0).normal(size=(12, 5)) + np.arange(5) / 3, 1)
    n, k = scores.shape
    square = stats.friedmanchisquare(*scores.T).statistic
    improved = (n - 1) * square / (n * (k - 1) - square)
    assert average_ranks(scores).p_value == pytest.approx(stats.f.sf(improved, 4, 44))


def test_groups_are_bars_that_no_other_holds() -> None:
    scores = np.arange(4.0)[::-1] + np.zeros((6, 1))  # ranks 1, 2, 3, 4 in every column
    found = average_ranks(scores)
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(20 / 36), abs=1e-3)
    assert found.groups == [(0, 1), (1, 2), (2, 3)]
    assert found.p_value == 0
    assert average_ranks(np.ones((6, 3))).groups == [(0, 1, 2)]
    assert average_ranks(np.ones((6, 3))).p_value == 1


def test_they_err_in_5_of_100_studies() -> None:
    rng = np.random.default_rng(0)
    ranks = stats.rankdata(rng.normal(size=(4000, 10, 5)), axis=2).mean(1)
    critical = average_ranks(rng.normal(size=(10, 5))).critical_difference
    assert 0.03 <= (np.ptp(ranks, axis=1) > critical).mean() <= 0.055
    p_values = [average_ranks(scores).p_value for scores in rng.normal(size=(40, 10, 3))]
    assert np.mean(np.less(p_values, 0.05)) <= 0.12
