"""How many episodes it takes to find a difference."""

from math import ceil, sqrt

from scipy.special import nctdtr, ndtri, stdtrit

EXACT = 100_000  # episodes; with more, t is the normal distribution


def power(n_episodes: int, difference: float, deviation: float, alpha: float = 0.05) -> float:
    """Probability that a two-sided paired t-test finds a difference, by the noncentral t.

    Args:
        n_episodes: at least 2.
        difference: the true one.
        deviation: standard deviation over episodes of the differences, above 0.
        alpha: level of the test.
    """
    df, shift = n_episodes - 1, abs(difference) / deviation * sqrt(n_episodes)
    edge = stdtrit(df, 1 - alpha / 2)
    return float(1 - nctdtr(df, shift, edge) + nctdtr(df, shift, -edge))


def episodes_needed(
    difference: float, deviation: float, wanted: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the fewest episodes that find a difference with probability `wanted`.

    Args:
        difference: the true one; no number of episodes finds 0.
        deviation: standard deviation over episodes of the differences.
        wanted: power.
        alpha: level of the two-sided paired t-test.
    """
    if difference == 0:
        return None
    if deviation == 0:
        return 2
    edge = ndtri(1 - alpha / 2)  # Guenther 1981: the normal formula, half the square of it more
    guess = ((edge + ndtri(wanted)) * deviation / difference) ** 2 + edge**2 / 2
    n = max(2, ceil(guess))
    if n > EXACT:
        return n
    while n > 2 and power(n - 1, difference, deviation, alpha) >= wanted:
        n -= 1
    while power(n, difference, deviation, alpha) < wanted:
        n += 1
    return n
