"""The figure of accuracies, read back from what was drawn."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.accuracies import (
    Accuracy,
    accuracies_figure,
    draw_accuracies,
)
from fewshot_bench.report.figures.saving import save_figure
from tests.report.figures.drawn import (
    BLUE,
    RED,
    boxes,
    caption,
    frame_of,
    intervals,
    key,
    overlapping,
)
from tests.report.samples import paper_like, tracked

ROWS = [
    Accuracy("middle", "inductive", 1, 60.0, 0.5),
    Accuracy("best", "transductive", 1, 70.0, 0.75),
    Accuracy("middle", "inductive", 5, 80.0, 0.25),
    Accuracy("best", "transductive", 5, 75.0, 0.5),
    Accuracy("only-at-5", "inductive", 5, 90.0, 0.5),
    Accuracy("last", "inductive", 1, 0.5, 0.25),  # none is worse, but for those without
]
ORDER = ["best", "middle", "last", "only-at-5"]


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_accuracies(ROWS, "What it is")


def test_a_panel_for_each_number_of_shots_and_the_best_on_top(figure: Figure) -> None:
    one, five = figure.axes
    assert [panel.get_title() for panel in (one, five)] == ["1-shot", "5-shot"]
    assert [panel.get_xlabel() for panel in (one, five)] == ["accuracy, %"] * 2
    assert [text.get_text() for text in one.get_yticklabels()] == ORDER
    assert one.get_yticks().tolist() == [0, 1, 2, 3]
    assert one.get_ylim() == five.get_ylim()
    bottom, top = one.get_ylim()
    assert 0 - top == pytest.approx(bottom - 3)  # as much room above as below
    assert 0.5 < bottom - 3 < 1
    assert intervals(one) == [
        (70.0, 0, 0.75, 0, RED),
        (60.0, 1, 0.5, 0, BLUE),
        (0.5, 2, 0.25, 0, BLUE),
    ]
    assert intervals(five) == [
        (75.0, 0, 0.5, 0, RED),
        (80.0, 1, 0.25, 0, BLUE),
        (90.0, 3, 0.5, 0, BLUE),
    ]


def test_settings_differ_in_colour_shape_and_filling_and_are_explained(figure: Figure) -> None:
    containers = figure.axes[0].containers
    transductive, inductive = (bar.lines[0] for bar in containers[:2])  # type: ignore[attr-defined]
    for look in (Line2D.get_color, Line2D.get_marker, Line2D.get_markerfacecolor):
        assert look(transductive) != look(inductive)
    assert key(figure) == ("What it is", {"inductive": BLUE, "transductive": RED})
    assert caption(figure) == ""


def test_a_line_more_is_as_much_higher_for_few_methods_as_for_many() -> None:
    heights = [draw_accuracies(ROWS[:n], "").get_figheight() for n in (1, 2, 5, 6)]
    assert heights[1] - heights[0] == pytest.approx(heights[3] - heights[2])
    assert heights[1] > heights[0]


def test_accuracies_are_told_in_whole_and_round_numbers() -> None:
    near = [Accuracy("a", "inductive", k, 60.0, 1.2) for k in (1, 5)]
    far = [Accuracy("a", "inductive", 10, 50.0, 0), Accuracy("b", "inductive", 10, 90.0, 0)]
    panels = draw_accuracies([*near, *far], "").axes
    assert [tick for panel in panels for tick in panel.get_xticks() if tick % 1] == []
    assert set(np.diff(panels[2].get_xticks())) == {5}


def test_the_parts_of_a_figure_do_not_cover_each_other() -> None:
    figure = draw_accuracies(ROWS, "What it is", "caption " * 40)
    (legend,), (one, _) = figure.legends, figure.axes
    below = figure._supxlabel  # type: ignore[attr-defined]
    parts = [legend.get_title(), *legend.get_texts(), one.title, one.xaxis.label, below]
    found = boxes(figure, parts)
    assert overlapping(found) == []
    title, first, second, panel, label, told = found
    assert title.y0 > first.y1 > panel.y1 > panel.y0 > label.y1 > told.y1
    assert first.y0 == second.y0  # settings stand side by side
    left = figure.bbox.width / 10
    assert max(title.x0, first.x0, told.x0) < left
    assert "\n" in below.get_text()


@pytest.mark.parametrize("rows", [[], [ROWS[0], ROWS[0]]])
def test_nothing_and_two_of_one_are_refused(rows: Sequence[Accuracy]) -> None:
    with pytest.raises(UsageError, match="one accuracy of each method"):
        draw_accuracies(rows, "")


def test_cells_are_drawn_in_percent_with_the_mean_over_seeds() -> None:
    other = tracked(9, backbone="resnet12-rfs", mean=0.8, ci95=0.0025)
    figure = accuracies_figure(frame_of(*paper_like(), other))
    one, five = figure.axes
    assert [text.get_text() for text in one.get_yticklabels()] == [
        "proto-net (resnet12-rfs)",
        "ssl-meta (conv4-64)",
        "proto-net (conv4-64)",
    ]
    assert intervals(one) == [
        (80.0, 0, 0.25, 0, BLUE),
        (69.0, 1, 0.4, 0, RED),
        (55.5, 2, 0.4, 0, BLUE),
    ]
    assert intervals(five) == [(71.0, 1, 0.4, 0, RED), (72.0, 2, 0.4, 0, BLUE)]
    assert key(figure)[0] == "Accuracy by method"
    assert caption(figure) == (
        "cifar-fs, test classes · 5-way, 15 queries a class, balanced · 2,000 episodes · "
        "mean and 95 % interval over episodes; means over up to 3 training seeds"
    )


def test_a_figure_is_as_wide_as_a_readme_at_twice_its_density(tmp_path: Path) -> None:
    save_figure(draw_accuracies(ROWS, "What it is"), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == 2 * 830
        assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
