"""Two methods on the same episodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.statistics.crossed import crossed_difference
from fewshot_bench.statistics.estimate import Estimate
from fewshot_bench.statistics.power import episodes_needed

TIED = 1e-9  # means over seeds are equal up to rounding; accuracies are fractions of few queries


@dataclass(frozen=True)
class PairedComparison:
    """Difference of two methods on the same episodes.

    Attributes:
        difference: mean of (first - second), in [0, 1].
        ci95: half-width of its 95 % interval: Student's t over episodes; with several training
            seeds over these too.
        p_value: of the two-sided test that there is none, by the same t.
        wins, ties, losses: episodes in which the first is better, equal, worse, on the mean over
            its seeds.
        deviation: standard deviation (ddof 1) over episodes of first - second.
        n_seeds: training seeds of the first and of the second.
        estimate: the difference, with what it owes to episodes and to seeds.
    """

    difference: float
    ci95: float
    p_value: float
    wins: int
    ties: int
    losses: int
    deviation: float
    n_seeds: tuple[int, int]
    estimate: Estimate = field(repr=False, compare=False)

    def __str__(self) -> str:
        p = "p < 0.0001" if self.p_value < 1e-4 else f"p = {self.p_value:.4f}"
        return f"{100 * self.difference:+.2f} ± {100 * self.ci95:.2f} points, {p}"

    @property
    def n_episodes(self) -> int:
        """How many both have in common."""
        return self.wins + self.ties + self.losses

    @cached_property
    def episodes_needed(self) -> int | None:
        """Episodes that find a true difference of this size in 80 of 100 cases; None if it is 0.

        They are for these trained networks: more episodes tell nothing of other seeds.
        """
        return episodes_needed(self.difference, self.deviation)

    def equivalence(self, margin: float) -> float:
        """Return the p-value that the methods differ by `margin` or more; a small one: they do not.

        Args:
            margin: largest difference that does not matter, in [0, 1].
        """
        return float(self.estimate.equivalence(margin))


class Measured(Protocol):
    """What a comparison needs to know of a result: `Result` is one.

    Attributes:
        accuracies: of each episode, in [0, 1].
        episode_digest: tells streams of episodes apart.
    """

    @property
    def accuracies(self) -> Sequence[float] | NDArray[np.float64]: ...  # noqa: D102
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
    return compare_seeds({0: first}, {0: second})


def compare_seeds(
    first: Mapping[int, Measured], second: Mapping[int, Measured]
) -> PairedComparison:
    """Compare two methods, each trained with one or several seeds, episode by episode.

    Args:
        first: results of a method by training seed.
        second: likewise of another, on the same episodes. If the seeds of both are the same, the
            differences of each seed are compared; else each method's seeds vary by themselves. A
            single seed has no spread, so that what is said then holds for that one training.

    Raises:
        UsageError: they were not measured on the same episodes, or on a single one.
    """
    if len({each.episode_digest for side in (first, second) for each in side.values()}) > 1:
        raise UsageError(
            "only results of the same episodes are compared; measure both with the same data, "
            "shape of episodes, number and seed"
        )
    ours, theirs = (
        np.asarray([side[seed].accuracies for seed in sorted(side)], np.float64)
        for side in (first, second)
    )
    if ours.shape[1] < 2:
        raise UsageError("a comparison takes at least 2 episodes")
    found = crossed_difference(ours, theirs, same_seeds=first.keys() == second.keys())
    difference = ours.mean(0) - theirs.mean(0)
    return PairedComparison(
        difference=float(found.mean),
        ci95=float(found.half_width()),
        p_value=float(found.p_value),
        wins=int((difference > TIED).sum()),
        ties=int((abs(difference) <= TIED).sum()),
        losses=int((difference < -TIED).sum()),
        deviation=float(np.std(difference, ddof=1)),
        n_seeds=(len(ours), len(theirs)),
        estimate=found,
    )
