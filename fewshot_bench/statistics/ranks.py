"""Several methods over several columns of results: average ranks, and which of them differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranks:
    """Average ranks of k methods over N columns, as Demsar (JMLR 7, 2006) compares classifiers.

    Attributes:
        average: rank of each method, ``[k]``; 1 is the best, equal ones share the mean of theirs.
        p_value: that all are equally good: Friedman's test as Iman & Davenport (1980) improved it.
        critical_difference: average ranks further apart differ at 5 %, all pairs together
            (Nemenyi 1963).
        n_columns: N.
    """

    average: Floats
    p_value: float
    critical_difference: float
    n_columns: int

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """Methods that do not differ, best first: the bars of a critical-difference diagram.

        Each is as large as can be, and of at least two.
        """
        order = np.argsort(self.average, kind="stable")
        sorted_ranks = self.average[order]
        ends = np.searchsorted(sorted_ranks, sorted_ranks + self.critical_difference, side="right")
        found: list[tuple[int, ...]] = []
        for start, end in enumerate(ends):
            if end - start > 1 and (start == 0 or end > ends[start - 1]):
                found.append(tuple(int(i) for i in order[start:end]))
        return found


def average_ranks(scores: Floats, alpha: float = 0.05) -> Ranks:
    """Rank methods in each column, and compare the average ranks.

    Args:
        scores: ``[N, k]``, a row a column of a table; the higher, the better. At least two each.
        alpha: level of the critical difference.
    """
    from scipy import stats  # slow to import

    n, k = scores.shape
    ranks = stats.rankdata(-scores, axis=1)
    quantile = stats.studentized_range.isf(alpha, k, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(k * (k + 1) / (6 * n)))
    average: Floats = ranks.mean(0)
    return Ranks(average, _friedman(ranks), critical, n)


def _friedman(ranks: Floats) -> float:
    """The p-value of equal average ranks, from ``[N, k]``; ties are counted."""
    from scipy import stats

    n, k = ranks.shape
    middle = n * k * (k + 1) ** 2 / 4
    spread = float((ranks**2).sum()) - middle
    if spread == 0:  # all are equal in every column
        return 1.0
    square = (k - 1) * (float((ranks.sum(0) ** 2).sum()) - n * middle) / spread
    left = n * (k - 1) - square
    if left <= 1e-9:  # every column ranks them alike
        return 0.0
    return float(stats.f.sf((n - 1) * square / left, k - 1, (k - 1) * (n - 1)))
