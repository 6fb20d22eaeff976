"""Several comparisons that hold together."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from fewshot_bench.statistics.corrections import holm
from fewshot_bench.statistics.paired import Measured, PairedComparison, compare_seeds

ALPHA = 0.05


def not_worse(methods: Sequence[Mapping[int, Measured]]) -> list[bool]:
    """Tell the best method, and all that are not significantly worse, from the others.

    The best is chosen by the data, so that the family is *all* pairs of methods, not only those
    with the best: Holm's correction then holds for whichever of them it is. With 95 % confidence
    no method is called worse that is not.

    Args:
        methods: results of each, at least one, by training seed; all on the same episodes.

    Raises:
        UsageError: they were not measured on the same episodes.
    """
    return [p_value >= ALPHA for p_value in behind_best(methods)]


def behind_best(methods: Sequence[Mapping[int, Measured]]) -> list[float]:
    """Return the p-value of each method's difference from the best, 1 for that; see `not_worse`.

    Raises:
        UsageError: they were not measured on the same episodes.
    """
    found, best = all_pairs(methods), best_of(methods)
    corrected = {pair: p_value for pair, (_, p_value) in found.items()}
    return [corrected.get((min(i, best), max(i, best)), 1.0) for i in range(len(methods))]


def all_pairs(
    methods: Sequence[Mapping[int, Measured]],
) -> dict[tuple[int, int], tuple[PairedComparison, float]]:
    """Compare each method with each later one: by their places, and with Holm's p over all pairs.

    Raises:
        UsageError: they were not measured on the same episodes.
    """
    pairs = list(combinations(range(len(methods)), 2))
    found = [compare_seeds(methods[i], methods[j]) for i, j in pairs]
    corrected = holm([each.p_value for each in found])
    return dict(zip(pairs, zip(found, corrected, strict=True), strict=True))


def best_of(methods: Sequence[Mapping[int, Measured]]) -> int:
    """Place of the highest mean, over seeds and episodes; of equal ones, the first."""
    means = [np.mean([each.accuracies for each in method.values()]) for method in methods]
    return int(np.argmax(means))


def corrected_equivalence(found: Sequence[PairedComparison], margin: float) -> list[float]:
    """P-values that methods differ by `margin` or more, Holm's correction over all of them."""
    return holm([each.equivalence(margin) for each in found])
