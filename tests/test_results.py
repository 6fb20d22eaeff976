"""Intervals and paired comparison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.results import Result
from fewshot_bench.statistics.intervals import confidence95
from fewshot_bench.statistics.paired import compare

accuracies = st.lists(st.integers(0, 75).map(lambda k: k / 75), min_size=2, max_size=50)


def result(values: list[float], digest: str = "same") -> Result:
    return Result(
        accuracies=tuple(values),
        setting="inductive",
        seconds=1.0,
        episode_seconds=0.5,
        peak_memory_mb=1.0,
        episode_digest=digest,
        data_checksum="x",
        device="cpu",
        versions={},
    )


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
    assert result(values).mean == pytest.approx((interval.high + interval.low) / 2)


def test_one_episode_has_no_interval() -> None:
    assert np.isnan(result([0.5]).ci95)


@given(accuracies, st.randoms(use_true_random=False))
def test_a_paired_comparison_is_scipys(values: list[float], random: np.random.Generator) -> None:
    others = list(values)
    random.shuffle(others)
    found = compare(result(values), result(others))
    assert found.difference == pytest.approx(np.mean(values) - np.mean(others), abs=1e-12)
    if np.ptp(np.subtract(values, others)) > 0:
        expected = stats.ttest_rel(values, others)
        assert found.p_value == pytest.approx(expected.pvalue)
        interval = expected.confidence_interval(0.95)
        assert found.ci95 == pytest.approx((interval.high - interval.low) / 2)


def test_pairing_finds_what_separate_intervals_hide() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.uniform(0.3, 0.9, 200)
    first = result((difficulty + 0.01).tolist())
    second = result((difficulty + rng.normal(0, 0.01, 200)).tolist())
    assert first.ci95 > abs(first.mean - second.mean)
    assert compare(first, second).p_value < 1e-6


def test_results_on_other_episodes_are_not_compared() -> None:
    with pytest.raises(UsageError, match="same episodes"):
        compare(result([0.1, 0.2]), result([0.1, 0.2], digest="other"))


def test_results_survive_json_and_cannot_be_changed() -> None:
    one = result([1 / 3, 2 / 3])
    assert Result.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(ValueError, match="frozen"):
        one.seconds = 2.0  # type: ignore[misc]
