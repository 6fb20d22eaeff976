"""Episodes needed: against statsmodels' numbers, and by simulation."""

import numpy as np
import pytest

from fewshot_bench.statistics.power import EXACT, episodes_needed, power


def test_as_statsmodels_and_gpower_have_them() -> None:
    """``TTestPower().solve_power(effect_size, power=0.8, alpha=0.05)``, rounded up."""
    for effect, expected in [(0.2, 199), (0.5, 34), (0.8, 15), (0.05, 3142)]:
        assert episodes_needed(effect, 1.0) == expected
    assert power(34, 0.5, 1.0) == pytest.approx(0.8077775, abs=1e-6)


def test_a_simulated_study_of_that_many_finds_it_in_80_of_100() -> None:
    n = episodes_needed(1.0, 3.0)
    assert n == 73
    drawn = np.random.default_rng(0).normal(1.0, 3.0, (6000, n))
    statistic = drawn.mean(1) / (drawn.std(1, ddof=1) / np.sqrt(n))
    assert (np.abs(statistic) > 1.993464).mean() == pytest.approx(0.8, abs=0.015)  # t of 72


def test_more_power_smaller_differences_and_levels_take_more() -> None:
    assert episodes_needed(0.3, 6.0) == episodes_needed(-0.3, 6.0)
    few = episodes_needed(0.3, 6.0) or 0
    for others in ((0.2, 6.0), (0.3, 7.0), (0.3, 6.0, 0.9), (0.3, 6.0, 0.8, 0.01)):
        assert (episodes_needed(*others) or 0) > few
    assert (episodes_needed(1e-3, 6.0) or 0) > EXACT


def test_edges() -> None:
    assert episodes_needed(0.0, 6.0) is None
    assert episodes_needed(0.1, 0.0) == 2
    assert episodes_needed(100.0, 1.0) == 2 or episodes_needed(100.0, 1.0) == 3
