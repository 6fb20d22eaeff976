"""Corrections of p-values for the number of comparisons made."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that all below 0.05 hold together at 5 % (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1; none is adjusted to less than a smaller
    one, nor to more than 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        least = min(1.0, max(least, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = least
    return adjusted
