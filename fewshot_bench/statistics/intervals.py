"""Confidence intervals of a mean."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit


def confidence95(values: Sequence[float]) -> float:
    """Half-width of the 95 % interval of a mean: Student's t over the values, ddof 1.

    Returns NaN for fewer than two values.
    """
    n = len(values)
    if n < 2:
        return float("nan")
    quantile = stdtrit(n - 1, 0.975)
    return float(quantile * np.std(values, ddof=1) / np.sqrt(n))
