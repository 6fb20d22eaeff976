"""The matrix of paired differences."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import latest
from fewshot_bench.report.figures.differences import (
    MOST,
    Differences,
    compared,
    differences_figure,
    draw_differences,
    signed,
)
from fewshot_bench.statistics.corrections import holm
from tests.report.figures.drawn import boxes, caption, overlapping
from tests.report.samples import tracked


@dataclass(frozen=True, eq=False)
class Measured:
    accuracies: NDArray[np.float64]
    episode_digest: str = "same"


def results(n: int = 3, n_episodes: int = 40) -> dict[str, dict[int, Measured]]:
    """Methods, each a little better than the one before, on the same episodes."""
    rng = np.random.default_rng(0)
    common = rng.normal(0.6, 0.1, n_episodes)
    return {
        f"m{i}": {0: Measured(common + 0.01 * i + rng.normal(0, 0.02, n_episodes))}
        for i in range(n)
    }


def test_differences_and_corrected_p_values_are_those_of_the_paired_test() -> None:
    measured = results()
    found = compared(measured, dict.fromkeys(measured, "inductive"))
    values = [each[0].accuracies for each in measured.values()]
    pairs = [(0, 1), (0, 2), (1, 2)]
    p = holm([float(stats.ttest_rel(values[i], values[j]).pvalue) for i, j in pairs])
    for (i, j), expected in zip(pairs, p, strict=True):
        assert found.p_values[i, j] == found.p_values[j, i] == pytest.approx(expected)
        difference = 100 * (values[i].mean() - values[j].mean())
        assert found.differences[i, j] == pytest.approx(difference)
        assert found.differences[j, i] == pytest.approx(-difference)
    assert found.means == pytest.approx([100 * each.mean() for each in values])


FOUND = Differences(
    ["worse", "best"],
    ["inductive", "transductive"],
    np.array([60.0, 72.25]),
    np.array([[0.0, -12.25], [12.25, 0.0]]),
    np.array([[1.0, 0.01], [0.01, 1.0]]),
)


def test_the_best_comes_first_and_what_is_sure_is_bold_on_colour() -> None:
    figure = draw_differences(FOUND, "what")
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["best ◆", "worse ●"]
    assert [t.get_text() for t in axes.texts] == ["72.2", "+12", "\N{MINUS SIGN}12", "60.0"]
    assert [t.get_fontweight() for t in axes.texts] == ["normal", "bold", "bold", "normal"]
    shades = axes.images[0].get_array()
    assert shades is not None
    assert shades.tolist() == [[0.0, 12.25], [-12.25, 0.0]]
    assert caption(figure).startswith("what · row less column")


def test_what_is_not_sure_stays_white() -> None:
    unsure = Differences(**{**vars(FOUND), "p_values": np.ones((2, 2))})
    (axes,) = draw_differences(unsure, "").axes
    shades = axes.images[0].get_array()
    assert shades is not None
    assert not shades.any()
    assert {t.get_fontweight() for t in axes.texts} == {"normal"}


def test_numbers_fit_their_cells_however_many_there_are() -> None:
    measured = results(MOST)
    figure = draw_differences(compared(measured, dict.fromkeys(measured, "inductive")), "")
    (axes,) = figure.axes
    assert overlapping(boxes(figure, axes.texts[: 2 * MOST])) == []


@pytest.mark.parametrize(
    ("points", "text"),
    [(0.04, "0.0"), (-0.04, "0.0"), (9.94, "+9.9"), (9.96, "+10"), (-3.21, "\N{MINUS SIGN}3.2")],
)
def test_a_difference_takes_four_characters(points: float, text: str) -> None:
    assert signed(points) == text


def test_one_method_and_too_many_are_refused_before_anything_is_read() -> None:
    for n in (1, MOST + 1):
        runs = [tracked(i, method=f"m{i}") for i in range(n)]
        with pytest.raises(UsageError, match=f"of 2 to {MOST} methods, and these are {n};"):
            differences_figure(latest(runs), Gathered("", runs))
