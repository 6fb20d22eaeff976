"""Two methods on the same episodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fewshot_bench.statistics.intervals import confidence95


@dataclass(frozen=True)
class PairedComparison:
    """Difference of two methods on the same episodes.

    Attributes:
        difference: mean of (first - second), in [0, 1].
        ci95: half-width of its 95 % interval (Student's t over episodes).
        p_value: of the two-sided paired t-test.
    """

    difference: float
    ci95: float
    p_value: float


class Measured(Protocol):
    """What a comparison needs to know of a result: `Result` is one.

    Attributes:
        accuracies: of each episode, in [0, 1].
        episode_digest: tells streams of episodes apart.
    """

    @property
    def accuracies(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def episode_digest(self) -> str: ...  # noqa: D102


def compare(first: Measured, second: Measured) -> PairedComparison:
    """Compare two results episode by episode.

    Raises:
        ValueError: they were not measured on the same episodes.
    """
    if first.episode_digest != second.episode_digest:
        raise ValueError("a paired comparison needs the same episodes; the digests differ")
    difference = np.subtract(first.accuracies, second.accuracies)
    if np.ptp(difference) == 0:
        return PairedComparison(float(difference[0]), 0.0, float(difference[0] == 0))
    from scipy import stats  # slow to import, and a table does without

    p_value = float(stats.ttest_rel(first.accuracies, second.accuracies).pvalue)
    return PairedComparison(float(difference.mean()), confidence95(difference.tolist()), p_value)
