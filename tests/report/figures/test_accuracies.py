"""The figure of accuracies, read back from what was drawn."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from PIL import Image

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.figures.__main__ import main
from fewshot_bench.report.figures.accuracies import (
    Accuracy,
    accuracies_figure,
    draw_accuracies,
    read_accuracies,
)
from tests.report.samples import paper_like

REPORT = Path(__file__).parents[3] / "reports" / "cifar-fs-conv4-64.csv"
ROWS = [
    Accuracy("middle", "inductive", 1, 60.0, 0.5),
    Accuracy("best", "transductive", 1, 70.0, 0.75),
    Accuracy("middle", "inductive", 5, 80.0, 0.25),
    Accuracy("best", "transductive", 5, 75.0, 0.5),
    Accuracy("only-at-5", "inductive", 5, 90.0, 0.5),
    Accuracy("last", "inductive", 1, 50.0, 0.5),
]


def points(panel: Axes) -> dict[int, tuple[float, float, Line2D]]:
    """Mean, half-width of the interval and mark of each line, by its place from the top."""
    found = {}
    for bar in panel.containers:
        assert isinstance(bar, ErrorbarContainer)
        mark, _, (spans,) = bar.lines
        assert isinstance(mark, Line2D)
        if len(mark.get_xdata()):  # type: ignore[arg-type]
            ((left, place), (right, _)) = spans.get_segments()[0]
            found[int(place)] = (float(left + right) / 2, float(right - left) / 2, mark)
    return found


def test_a_panel_for_each_number_of_shots_and_the_best_on_top() -> None:
    one, five = draw_accuracies(ROWS, "title").axes
    assert [panel.get_title() for panel in (one, five)] == ["1-shot", "5-shot"]
    names = [text.get_text() for text in one.get_yticklabels()]
    assert names == ["best", "middle", "last", "only-at-5"]
    top, bottom = one.get_ylim()[::-1]
    assert top < 0 < len(names) - 1 < bottom
    drawn = [{k: v[:2] for k, v in points(panel).items()} for panel in (one, five)]
    assert drawn[0] == {0: (70.0, 0.75), 1: (60.0, 0.5), 2: (50.0, 0.5)}
    assert drawn[1] == {0: (75.0, 0.5), 1: (80.0, 0.25), 3: (90.0, 0.5)}


def test_settings_differ_in_colour_shape_and_filling_and_are_explained() -> None:
    figure = draw_accuracies(ROWS, "What it is")
    transductive, inductive = (points(figure.axes[0])[place][2] for place in (0, 1))
    for look in (Line2D.get_color, Line2D.get_marker, Line2D.get_markerfacecolor):
        assert look(transductive) != look(inductive)
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "What it is"
    assert [text.get_text() for text in legend.get_texts()] == ["inductive", "transductive"]


@pytest.mark.parametrize("rows", [[], [ROWS[0], ROWS[0]]])
def test_nothing_and_two_of_one_are_refused(rows: Sequence[Accuracy]) -> None:
    with pytest.raises(UsageError, match="one accuracy of each method"):
        draw_accuracies(rows, "")


def test_cells_are_drawn_in_percent_with_the_mean_over_seeds() -> None:
    one, five = accuracies_figure(cells(latest(paper_like()))).axes
    assert [text.get_text() for text in one.get_yticklabels()] == ["ssl-meta", "proto-net"]
    drawn = [{k: v[0] for k, v in points(panel).items()} for panel in (one, five)]
    assert drawn[0] == pytest.approx({0: 69.0, 1: 55.5})
    assert drawn[1] == pytest.approx({0: 71.0, 1: 72.0})


def test_a_file_of_two_protocols_is_refused(tmp_path: Path) -> None:
    head = "origin,run_id,method,setting,dataset,backbone,ways,n_episodes,shots,accuracy,ci95\n"
    line = "run,{0},tim,transductive,{0},conv4-64,5,100,1,60.0,0.5\n"
    file = tmp_path / "mixed.csv"
    file.write_text(head + line.format("glyphs") + line.format("fc100"), "utf-8")
    with pytest.raises(UsageError, match="runs of 2 protocols"):
        read_accuracies(file)


def test_the_report_is_drawn_at_the_width_of_a_readme(tmp_path: Path) -> None:
    rows, title = read_accuracies(REPORT)
    assert title == "cifar-fs, 5-way, conv4-64: mean and 95 % interval, 2000 episodes"
    (best,) = [row for row in rows if row.method == "pt-map" and row.n_shot == 1]
    assert (round(best.mean, 2), round(best.ci95, 2)) == (74.31, 0.64)
    main(str(REPORT), str(tmp_path / "figure.png"))
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == 2 * 830
        assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
