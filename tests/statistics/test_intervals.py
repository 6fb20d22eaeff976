"""The 95 % interval of a mean over episodes."""

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from fewshot_bench.statistics.intervals import confidence95
from tests.synthetic import accuracies, make_result


def test_intervals_cover_the_truth_in_95_of_100_experiments() -> None:
    rng = np.random.default_rng(0)
    truth, covered = 0.6, 0
    for _ in range(2000):
        difficulty = rng.beta(6, 4, size=100)  # episodes differ; their mean is 0.6
        sample = rng.binomial(75, difficulty) / 75
        covered += abs(sample.mean() - truth) <= confidence95(sample.tolist())
    assert 0.93 <= covered / 2000 <= 0.97


@given(accuracies)
def test_the_interval_is_that_of_scipys_t_test(values: list[float]) -> None:
    if np.ptp(values) < 1e-9:
        assert confidence95(values) == pytest.approx(0, abs=1e-12)
        return
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert confidence95(values) == pytest.approx((interval.high - interval.low) / 2)
    assert make_result(values).mean == pytest.approx((interval.high + interval.low) / 2)


def test_one_episode_has_no_interval() -> None:
    assert np.isnan(make_result([0.5]).ci95)
