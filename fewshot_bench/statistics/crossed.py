"""Means over training seeds that all saw the same episodes: seeds and episodes are crossed."""

import numpy as np

from fewshot_bench.statistics.estimate import Estimate, Floats


def crossed_mean(values: Floats) -> Estimate:
    """Estimate the mean over all seeds and episodes, of which these are samples.

    The two-way random-effects model without replication: the mean over seeds of each episode has
    the variance of episodes, and of their interaction with seeds; the means of seeds have that of
    seeds, once the interaction is taken off (Searle, Casella & McCulloch, Variance
    Components, 1992).

    Args:
        values: ``[..., S, n]`` of S seeds on n episodes, at least 2.
    """
    return _estimate(values.mean(-2), [values])


def crossed_difference(first: Floats, second: Floats, *, same_seeds: bool) -> Estimate:
    """Estimate how much the mean of a method exceeds that of another on the same episodes.

    Args:
        first: ``[..., S, n]`` of S seeds on n episodes, at least 2.
        second: ``[..., S', n]`` of the other one; a single seed has no spread to be counted.
        same_seeds: the seeds of both are the same, in the same order: then their differences are
            what varies from seed to seed, as a seed also makes the backbone that both build upon.
    """
    if same_seeds:
        return crossed_mean(first - second)
    return _estimate(first.mean(-2) - second.mean(-2), [first, second])


def _estimate(of_episodes: Floats, sources: list[Floats]) -> Estimate:
    """Join the variance of the episodes' means ``[..., n]`` and of the seeds of each source."""
    n = of_episodes.shape[-1]
    # Of numbers that are all the same, rounding must not make a variance.
    varied = np.ptp(of_episodes, axis=-1) > 0
    episodes = np.where(varied, of_episodes.var(-1, ddof=1) / n, 0.0)
    df = np.full_like(episodes, n - 1)
    seeds, squares = np.zeros_like(episodes), np.zeros_like(episodes)
    for values in sources:
        n_seeds = values.shape[-2]
        if n_seeds > 1:
            variance = _seed_variance(values) / n_seeds
            seeds, squares = seeds + variance, squares + variance**2 / (n_seeds - 1)
    seed_df = np.divide(seeds**2, squares, where=squares > 0, out=df.copy())  # Welch
    return Estimate(of_episodes.mean(-1), episodes, df, seeds, seed_df)


def _seed_variance(values: Floats) -> Floats:
    """Variance between seeds ``[...]`` of ``[..., S, n]``, without that of their interaction."""
    n_seeds, n = values.shape[-2:]
    of_seeds, of_episodes = values.mean(-1, keepdims=True), values.mean(-2, keepdims=True)
    rest = values - of_seeds - of_episodes + values.mean((-2, -1), keepdims=True)
    interaction = (rest**2).sum((-2, -1)) / ((n_seeds - 1) * (n - 1))
    between: Floats = of_seeds[..., 0].var(-1, ddof=1) - interaction / n
    return between.clip(min=0)
