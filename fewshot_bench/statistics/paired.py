"""Two methods on the same episodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fewshot_bench.errors import UsageError
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

    def __str__(self) -> str:
        p = "p < 0.0001" if self.p_value < 1e-4 else f"p = {self.p_value:.4f}"
        return f"{100 * self.difference:+.2f} ± {100 * self.ci95:.2f} points, {p}"


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

    Args:
        first: a result.
        second: another of the same episodes, be it of another method or of other embeddings.

    Returns:
        The difference first - second. As text it is in points, which are percent of queries.

    Raises:
        UsageError: they were not measured on the same episodes.

    Example:
        >>> import fewshot_bench as fsb
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> first, second = (fsb.evaluate(m, X, y, n_episodes=100) for m in ("tim", "logistic"))
        >>> print(fsb.compare(first, second))
        +9.31 ± 1.62 points, p < 0.0001
    """
    if first.episode_digest != second.episode_digest:
        raise UsageError(
            "only results of the same episodes are compared; measure both with the same data, "
            "shape of episodes, number and seed"
        )
    difference = np.subtract(first.accuracies, second.accuracies)
    if np.ptp(difference) == 0:
        return PairedComparison(float(difference[0]), 0.0, float(difference[0] == 0))
    from scipy import stats  # slow to import, and a table does without

    p_value = float(stats.ttest_rel(first.accuracies, second.accuracies).pvalue)
    return PairedComparison(float(difference.mean()), confidence95(difference.tolist()), p_value)
