"""What all figures have in common."""

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fewshot_bench.report.figures.style import (
    COLOURS,
    explain,
    fix_places,
    house_style,
    lettered,
    line_looks,
    new_figure,
)
from tests.report.figures.drawn import boxes, caption, key


def framed() -> tuple[Figure, Axes]:
    with house_style():
        figure = new_figure(3.5)
        axes = figure.subplots()
        axes.set_ylabel("label")
        return figure, axes


def test_lines_repeat_their_colour_and_dash_as_late_as_can_be() -> None:
    names = [f"m{i}" for i in range(28)]
    looks = line_looks(names)
    assert list(looks) == names
    found = [looks[name] for name in names]
    assert [look["color"] for look in found[:8]] == [*COLOURS, COLOURS[0]]
    assert len({look["linestyle"] for look in found[:4]}) == 4
    assert len({look["marker"] for look in found[:10]}) == 10
    assert len({(look["color"], look["linestyle"]) for look in found}) == 7 * 4


def test_a_figure_is_as_wide_as_a_readme_and_as_high_as_asked() -> None:
    figure, _ = framed()
    assert figure.get_size_inches().tolist() == [8.3, 3.5]


def test_places_are_those_of_the_whole_figure_and_once_fixed_move_no_more() -> None:
    (free, expected), (figure, axes) = framed(), framed()
    free.draw_without_rendering()
    fix_places(figure)
    found = axes.get_position().bounds
    assert found == pytest.approx(expected.get_position().bounds)
    axes.set_ylabel("label\n" * 9)
    figure.draw_without_rendering()
    fix_places(figure)
    assert axes.get_position().bounds == found


def test_a_title_and_a_caption_stand_on_the_left_with_or_without_settings() -> None:
    for settings in ((), ("transductive", "inductive")):
        figure, axes = framed()
        with house_style():
            explain(figure, "title\x1b", "word " * 60 + "$x$\x1b", settings)
        title, told = key(figure)
        assert title == "title\\x1b"
        assert list(told) == sorted(settings)
        assert caption(figure).endswith("word $x$\\x1b")
        below = figure._supxlabel  # type: ignore[attr-defined]
        assert below.get_text().count("\n") == 2  # 138 characters a line
        box, above = boxes(figure, [below, figure.legends[0].get_title()])
        window = axes.get_window_extent()
        assert 0 <= box.x0 < window.x0
        assert 0 <= above.x0 < window.x0
        assert box.y1 < window.y0 < window.y1 < above.y0


def test_names_are_data_and_no_markup() -> None:
    texts, facts = lettered(["a\nb", "$x$"])
    assert texts == ["a\\nb", "$x$"]
    assert (facts["parse_math"], facts["usetex"]) == (False, False)
