"""Training seeds as a second level: simulated coverage, and what is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from fewshot_bench.statistics.crossed import crossed_difference, crossed_mean
from tests.statistics.simulated import CASES, two_methods


@pytest.mark.parametrize(("n_seeds", "same", "shared"), CASES)
def test_intervals_cover_the_truth_in_95_of_100_studies(
    n_seeds: tuple[int, int], same: bool, shared: float
) -> None:
    for seed_sd in (0.0, 0.2, 0.4, 0.8):
        ours, theirs = two_methods(n_seeds, seed_sd, shared=shared)
        found = crossed_difference(ours, theirs, same_seeds=same)
        coverage = (np.abs(found.mean) <= found.half_width()).mean()
        assert 0.93 <= coverage <= 0.97, seed_sd


def test_without_the_level_of_seeds_intervals_cover_too_little() -> None:
    """What the level is for: the same studies, told from their episodes alone."""
    ours, theirs = two_methods((3, 3), 0.4)
    naive = crossed_mean((ours - theirs).mean(-2, keepdims=True))
    assert (np.abs(naive.mean) <= naive.half_width()).mean() < 0.7


def test_a_hierarchical_bootstrap_covers_too_little_with_three_seeds() -> None:
    """Why it was not taken: three seeds drawn from three are too much alike."""
    rng = np.random.default_rng(0)
    difference = np.subtract(*two_methods((3, 3), 0.4, repeats=400))
    drawn = np.empty((300, len(difference)))
    for each in drawn:
        seeds, episodes = rng.integers(3, size=3), rng.integers(30, size=30)
        each[:] = difference[:, seeds][:, :, episodes].mean((1, 2))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert ((low <= 0) & (high >= 0)).mean() < 0.9


def test_one_seed_each_is_the_paired_t_test() -> None:
    ours, theirs = np.random.default_rng(0).normal(size=(2, 50))
    expected = stats.ttest_rel(ours, theirs)
    for same in (True, False):
        found = crossed_difference(ours[None], theirs[None], same_seeds=same)
        assert found.p_value == pytest.approx(expected.pvalue)
        assert found.seed_variance == 0


def test_components_are_those_of_the_analysis_of_variance() -> None:
    """Mean squares of a two-way table, by their definition, add up to the variance of the mean."""
    values = np.random.default_rng(1).normal(size=(3, 20)) + np.array([[0], [1], [3]])
    n_seeds, n = values.shape
    grand = values.mean()
    of_seeds = n * ((values.mean(1) - grand) ** 2).sum() / (n_seeds - 1)
    of_episodes = n_seeds * ((values.mean(0) - grand) ** 2).sum() / (n - 1)
    total = ((values - grand) ** 2).sum()
    rest = total - (n_seeds - 1) * of_seeds - (n - 1) * of_episodes
    rest /= (n_seeds - 1) * (n - 1)
    found = crossed_mean(values)
    assert found.mean == pytest.approx(grand)
    assert found.standard_error**2 == pytest.approx((of_seeds + of_episodes - rest) / values.size)
    assert (found.episode_df, found.seed_df) == (n - 1, n_seeds - 1)


def test_seeds_that_change_nothing_are_one_seed() -> None:
    once = np.random.default_rng(2).normal(size=(1, 30))
    thrice, other = np.repeat(once, 3, axis=0), np.random.default_rng(3).normal(size=(1, 30))
    one, many = (crossed_difference(v, other, same_seeds=False) for v in (once, thrice))
    assert many.half_width() == pytest.approx(one.half_width())
    assert many.p_value == pytest.approx(one.p_value)


def test_seeds_of_their_own_add_their_variances_and_welchs_degrees_of_freedom() -> None:
    """With so many episodes alike that seeds alone vary, it is Welch's t-test over seeds."""
    ours, theirs = np.array([1.0, 2, 4, 3]), np.array([0.0, 7, 5])
    noise = np.random.default_rng(4).normal(0, 1e-9, 40)
    found = crossed_difference(ours[:, None] + noise, theirs[:, None] - noise, same_seeds=False)
    expected = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    interval = expected.confidence_interval(0.95)
    assert found.half_width() == pytest.approx((interval.high - interval.low) / 2, rel=1e-6)
