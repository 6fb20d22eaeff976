"""Two methods on the same episodes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.statistics.paired import compare, compare_seeds
from fewshot_bench.statistics.power import episodes_needed
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
    one = compare(make_result([0.5, 0.25]), make_result([0.75, 0.5]))
    told = [
        ((0.0931, 0.0162, 0.03452), "+9.31 ± 1.62 points, p = 0.0345"),
        ((-0.1, 0.0, 1e-4), "-10.00 ± 0.00 points, p = 0.0001"),
        ((0.0, 0.5, 9.9e-5), "+0.00 ± 50.00 points, p < 0.0001"),
    ]
    for (difference, ci95, p_value), text in told:
        found = replace(one, difference=difference, ci95=ci95, p_value=p_value)
        assert str(found) == text


def test_what_is_told_of_the_episodes() -> None:
    first, second = make_result([0.5, 0.25, 1.0, 0.75]), make_result([0.25, 0.25, 0.5, 1.0])
    found = compare(first, second)
    assert (found.wins, found.ties, found.losses, found.n_episodes) == (2, 1, 1, 4)
    assert found.deviation == pytest.approx(np.std([0.25, 0, 0.5, -0.25], ddof=1))
    assert found.episodes_needed == episodes_needed(0.125, found.deviation)
    assert found.n_seeds == (1, 1)
    assert found.equivalence(0.9) < 0.05 < found.equivalence(0.3)


def test_a_single_episode_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="at least 2 episodes"):
        compare(make_result([0.5]), make_result([0.25]))


def test_equal_seeds_are_compared_in_pairs_others_by_themselves() -> None:
    rng = np.random.default_rng(0)
    shift = {0: 0.0, 1: 0.1, 2: 0.2}  # of a backbone that both build upon
    first, second = (
        {s: make_result((d + up + rng.uniform(0, 0.1, 50)).tolist()) for s, d in shift.items()}
        for up in (0.35, 0.3)
    )
    same = compare_seeds(first, second)
    own = compare_seeds(first, {seed + 3: result for seed, result in second.items()})
    assert same.difference == pytest.approx(own.difference)
    assert same.n_seeds == own.n_seeds == (3, 3)
    assert same.p_value < 0.05 < own.p_value
    few = compare_seeds(first, {0: second[0]})
    assert few.n_seeds == (3, 1)
    assert few.ci95 > compare(first[0], second[0]).ci95


def test_ties_of_means_over_seeds_are_ties_whatever_the_rounding() -> None:
    values = [[0.1, 0.2], [0.2, 0.6], [0.3, 0.1]]
    first = {seed: make_result(each) for seed, each in enumerate(values)}
    second = {seed: make_result(each) for seed, each in enumerate(reversed(values))}
    assert compare_seeds(first, second).ties == 2
