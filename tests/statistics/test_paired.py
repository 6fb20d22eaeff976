"""Two methods on the same episodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.statistics.paired import PairedComparison, compare
from tests.synthetic import accuracies, make_result


@given(accuracies, st.randoms(use_true_random=False))
def test_a_paired_comparison_is_scipys(values: list[float], random: np.random.Generator) -> None:
    others = list(values)
    random.shuffle(others)
    found = compare(make_result(values), make_result(others))
    assert found.difference == pytest.approx(np.mean(values) - np.mean(others), abs=1e-12)
    if np.ptp(np.subtract(values, others)) > 0:
        expected = stats.ttest_rel(values, others)
        assert found.p_value == pytest.approx(expected.pvalue)
        interval = expected.confidence_interval(0.95)
        assert found.ci95 == pytest.approx((interval.high - interval.low) / 2)


def test_pairing_finds_what_separate_intervals_hide() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.uniform(0.3, 0.9, 200)
    first = make_result((difficulty + 0.01).tolist())
    second = make_result((difficulty + rng.normal(0, 0.01, 200)).tolist())
    assert first.ci95 > abs(first.mean - second.mean)
    assert compare(first, second).p_value < 1e-6


def test_results_on_other_episodes_are_not_compared() -> None:
    with pytest.raises(UsageError, match="same episodes"):
        compare(make_result([0.1, 0.2]), make_result([0.1, 0.2], digest="other"))


def test_a_difference_that_is_always_the_same_has_an_interval_of_nothing() -> None:
    same = compare(make_result([0.5, 0.25]), make_result([0.5, 0.25]))
    assert (same.difference, same.ci95, same.p_value) == (0.0, 0.0, 1.0)
    less = compare(make_result([0.5, 0.25]), make_result([0.75, 0.5]))
    assert (less.difference, less.ci95, less.p_value) == (-0.25, 0.0, 0.0)


def test_a_comparison_is_told_in_points() -> None:
    assert str(PairedComparison(0.0931, 0.0162, 0.03452)) == "+9.31 ± 1.62 points, p = 0.0345"
    assert str(PairedComparison(-0.1, 0.0, 1e-4)) == "-10.00 ± 0.00 points, p = 0.0001"
    assert str(PairedComparison(0.0, 0.5, 9.9e-5)) == "+0.00 ± 50.00 points, p < 0.0001"
