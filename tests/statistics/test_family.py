"""The best and all that are not worse: how often a method is wronged."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.results import Result
from fewshot_bench.statistics.family import best_of, corrected_equivalence, not_worse
from fewshot_bench.statistics.paired import compare
from tests.synthetic import make_result


def methods(values: NDArray[np.float64]) -> list[dict[int, Result]]:
    """A method for each row of accuracies."""
    return [{0: make_result(each.clip(0, 1).tolist())} for each in values]


def test_the_best_and_what_is_as_good_are_told_from_the_rest() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.uniform(0.3, 0.7, 100)
    ups = np.array([[0.2], [0.0], [0.198], [-0.01]])
    values = hardness + ups + rng.normal(0, 0.03, (4, 100))
    assert not_worse(methods(values)) == [True, False, True, False]
    assert best_of(methods(values)) in (0, 2)
    assert not_worse(methods(values[:1])) == [True]


def test_where_all_are_alike_none_is_wronged_in_95_of_100_tables() -> None:
    """The best of eight is chosen by the data; comparing it with seven alone would err more."""
    rng, wronged, naive = np.random.default_rng(0), 0, 0
    for _ in range(150):
        table = methods(0.5 + rng.normal(0, 0.1, (8, 12)))
        wronged += not all(not_worse(table))
        best = table[best_of(table)][0]
        naive += min(compare(best, each[0]).p_value for each in table if each[0] != best) < 0.05 / 7
    assert wronged / 150 <= 0.07
    assert naive / 150 > 0.09


def test_two_that_are_equal_are_both_the_best() -> None:
    values = np.array([[0.5, 0.6, 0.7], [0.5, 0.6, 0.7], [0.1, 0.2, 0.31]])
    assert not_worse(methods(values)) == [True, True, False]


def test_other_episodes_are_refused() -> None:
    with pytest.raises(UsageError, match="same episodes"):
        not_worse([{0: make_result([0.1, 0.2])}, {0: make_result([0.1, 0.2], digest="other")}])


def test_equivalences_are_corrected_together() -> None:
    rng = np.random.default_rng(0)
    first = make_result((0.5 + rng.normal(0, 0.01, 30)).tolist())
    others = [make_result((0.5 + rng.normal(0, 0.01, 30)).tolist()) for _ in range(2)]
    found = [compare(first, other) for other in others]
    single = sorted(each.equivalence(0.01) for each in found)
    assert sorted(corrected_equivalence(found, 0.01))[0] == pytest.approx(2 * single[0])
