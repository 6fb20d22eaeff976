"""The matrix of paired differences."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import latest
from fewshot_bench.report.figures import differences
from fewshot_bench.report.figures.differences import (
    MOST,
    Differences,
    compared,
    differences_figure,
    draw_differences,
    signed,
)
from fewshot_bench.report.figures.style import INK, MUTED
from fewshot_bench.statistics.corrections import holm
from tests.report.figures.drawn import boxes, caption, key, overlapping
from tests.report.samples import tracked

MINUS = "\N{MINUS SIGN}"


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
    ["worse", "best", "middle"],
    ["inductive", "transductive", "inductive"],
    np.array([60.0, 72.25, 66.0]),
    np.array([[0.0, -12.25, -6.0], [12.25, 0.0, 6.25], [6.0, -6.25, 0.0]]),
    np.array([[1.0, 0.01, 0.02], [0.01, 1.0, 0.05], [0.02, 0.05, 1.0]]),
)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_differences(FOUND, "what")


def shades(axes: Axes) -> NDArray[np.float64]:
    found = axes.images[0].get_array()
    assert found is not None
    return np.asarray(found, np.float64)


def test_the_best_comes_first_and_each_number_stands_in_its_cell(figure: Figure) -> None:
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["best ◆", "middle ●", "worse ●"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["best", "middle", "worse"]
    assert axes.xaxis.get_ticks_position() == "top"
    assert axes.get_xticks().tolist() == axes.get_yticks().tolist() == [0, 1, 2]
    told = {t.get_position()[::-1]: t.get_text() for t in axes.texts}
    rows = [[told[i, j] for j in range(3)] for i in range(3)]
    assert rows == [
        ["72.2", "+6.2", "+12"],
        [f"{MINUS}6.2", "66.0", "+6.0"],
        [f"{MINUS}12", f"{MINUS}6.0", "60.0"],
    ]
    aligned = {(t.get_horizontalalignment(), t.get_verticalalignment()) for t in axes.texts}
    assert aligned == {("center", "center")}
    for lines in (axes.get_xticks(minor=True), axes.get_yticks(minor=True)):
        assert lines.tolist() == [-0.5, 0.5, 1.5, 2.5]  # around all cells
    assert key(figure) == ("Paired differences of accuracy", {})
    assert caption(figure).startswith("what · row less column")


def test_what_is_sure_is_bold_on_colour_and_the_rest_grey_on_white(figure: Figure) -> None:
    (axes,) = figure.axes
    image = axes.images[0]
    # 5 % is not below 5 %: the best and the one in the middle do not differ.
    assert shades(axes).tolist() == [[0, 0, 12.25], [0, 0, 6], [-12.25, -6, 0]]
    assert image.get_clim() == (-12.25, 12.25)
    red, white, blue = (image.to_rgba(np.array([v]))[0] for v in (-12.25, 0, 12.25))
    assert red[0] > red[2] + 0.2
    assert blue[2] > blue[0] + 0.2
    assert min(white) > 0.95
    sure = {(0, 2), (1, 2), (2, 0), (2, 1)}
    for text in axes.texts:
        weight = "bold" if text.get_position() in sure else "normal"
        assert text.get_fontweight() == weight
        assert text.get_color() == (INK if text.get_position() in sure else MUTED)
        assert text.get_fontsize() == 8  # few cells have room for it


def test_what_is_not_sure_stays_white() -> None:
    unsure = Differences(**{**vars(FOUND), "p_values": np.ones((3, 3))})
    (axes,) = draw_differences(unsure, "").axes
    assert not shades(axes).any()
    low, high = axes.images[0].get_clim()
    assert low < 0 < high
    assert {t.get_fontweight() for t in axes.texts} == {"normal"}


def test_numbers_fit_their_cells_however_many_there_are(figure: Figure) -> None:
    measured = results(MOST)
    many = draw_differences(compared(measured, dict.fromkeys(measured, "inductive")), "")
    (axes,) = many.axes
    assert overlapping(boxes(many, axes.texts[: 2 * MOST])) == []
    assert float(axes.texts[0].get_fontsize()) > 4  # and can still be read
    assert many.get_figheight() > 2 * figure.get_figheight() > 5


@dataclass(frozen=True)
class Known:
    """Accuracies by the run's id, as `Gathered` gives them."""

    known: dict[str, list[float]]

    def measurement(self, run_id: str) -> Measured:
        return Measured(np.array(self.known[run_id[:7]]))


def test_runs_are_compared_with_their_seeds_and_named_as_in_a_table() -> None:
    runs = [
        tracked(0, method="tim", setting="transductive"),
        tracked(1, method="tim", setting="transductive", seed=1),
        tracked(2, method="proto-net", backbone="resnet18"),
        tracked(3, method="proto-net", backbone="resnet18", seed=1),
    ]
    known: Any = Known(
        {
            "run0000": [0.25, 0.5, 0.75, 0.5],
            "run0001": [0.5, 0.5, 0.75, 0.25],
            "run0002": [0.75, 0.5, 0.75, 0.75],
            "run0003": [0.5, 0.75, 1.0, 0.5],
        }
    )
    figure = differences_figure(latest(runs), known)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "proto-net (resnet18) ●",
        "tim (conv4-64) ◆",
    ]
    # (2.75 + 2.75) / 8 and (2 + 2) / 8
    told = [t.get_text() for t in axes.texts]
    assert told == ["68.8", "+19", f"{MINUS}19", "50.0"]
    assert caption(figure).startswith("cifar-fs, test classes · 5-way 1-shot")


def test_as_many_as_can_be_read_are_drawn_and_equal_ones_by_name() -> None:
    runs = [tracked(i, method=name) for i, name in enumerate(["c", "b", "a"])]
    equal = [[0.25, 0.5, 0.75, 0.5], [0.5, 0.25, 0.5, 0.75], [0.75, 0.5, 0.25, 0.5]]
    known: Any = Known({f"run000{i}": each for i, each in enumerate(equal)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differences, "MOST", 3)
        (axes,) = differences_figure(latest(runs), known).axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (0.04, "0.0"),
        (-0.04, "0.0"),
        (9.94, "+9.9"),
        (9.95, "+10"),
        (9.96, "+10"),
        (-3.21, f"{MINUS}3.2"),
    ],
)
def test_a_difference_takes_four_characters(points: float, text: str) -> None:
    assert signed(points) == text


def test_one_method_and_too_many_are_refused_before_anything_is_read() -> None:
    for n in (1, MOST + 1):
        runs = [tracked(i, method=f"m{i}") for i in range(n)]
        with pytest.raises(UsageError, match=f"of 2 to {MOST} methods, and these are {n};"):
            differences_figure(latest(runs), Gathered("", runs))
