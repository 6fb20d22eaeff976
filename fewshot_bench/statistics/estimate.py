"""A mean that is uncertain on two levels: over episodes, and over training seeds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

CLOSE = 1e-12  # a p-value is found up to this share of itself


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean, and the variance of it that comes from each level; arrays hold several estimates.

    Its interval weighs Student's t of the two levels by their variances (Cochran & Cox,
    Experimental Designs, 1950), which also covers where three seeds tell little of their own
    variance; Satterthwaite's single t covered 92 % there (docs/statistics.md).

    Attributes:
        mean: of what was measured.
        episode_variance, episode_df: variance of the mean over episodes, its degrees of freedom.
        seed_variance, seed_df: likewise over seeds; the variance is 0 where there is but one.
    """

    mean: Floats
    episode_variance: Floats
    episode_df: Floats
    seed_variance: Floats
    seed_df: Floats

    @property
    def standard_error(self) -> Floats:
        """Of the mean."""
        return np.sqrt(self.episode_variance + self.seed_variance)

    def half_width(self, confidence: float = 0.95) -> Floats:
        """Half-width of the interval of the mean that has this confidence."""
        return self._quantile(np.float64(1 - confidence) / 2) * self.standard_error

    @property
    def p_value(self) -> Floats:
        """Of the two-sided test that the mean is 0; below 0.05 where the 95 % interval lacks 0."""
        return 2 * self._tail(np.abs(self.mean))

    def equivalence(self, margin: float | Floats) -> Floats:
        """Return the p-value of two one-sided tests that the mean is not within ± `margin`.

        It is below 0.05 where the 90 % interval lies within them (Schuirmann 1987).
        """
        return self._tail(margin - np.abs(self.mean))

    def _quantile(self, tail: Any) -> Floats:
        """What is exceeded with probability `tail`, in standard errors."""
        levels = (self.episode_variance, self.episode_df), (self.seed_variance, self.seed_df)
        weighed = sum((variance * -stdtrit(df, tail) for variance, df in levels), np.float64())
        total = self.episode_variance + self.seed_variance
        found: Floats = np.divide(weighed, total, where=total > 0, out=np.zeros_like(total))
        return found

    def _tail(self, distance: Floats) -> Floats:
        """Probability of an error that exceeds `distance`, by which intervals would reach it."""
        error = self.standard_error
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(error > 0, np.abs(distance) / error, np.inf * np.abs(distance))
        steps = np.where(np.isnan(steps) & (distance == 0), 0.0, steps)
        tail = self._solved(steps)
        return np.where(distance >= 0, tail, 1 - tail)

    def _solved(self, steps: Floats) -> Floats:
        """The tail whose quantile is `steps`; it lies between those of the two levels' own t."""
        own = stdtr(self.episode_df, -steps), stdtr(self.seed_df, -steps)
        low, high = np.minimum(*own), np.maximum(*own)
        tiny = np.finfo(np.float64).tiny
        low = np.where(self.seed_variance > 0, np.maximum(low, tiny), own[0])
        high = np.where(self.seed_variance > 0, np.maximum(high, tiny), own[0])
        while (high > low * (1 + CLOSE)).any():
            middle = np.sqrt(low) * np.sqrt(high)
            beyond = self._quantile(middle) > steps
            low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
        return high
