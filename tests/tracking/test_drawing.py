"""What stands in the pictures of a run, as matplotlib has it before it is painted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fewshot_bench.results import CurvePoint
from fewshot_bench.tracking.drawing import draw_confusion, draw_curves


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, Any, str]]:
    """The figures that were to be painted, where to, and as what."""
    figures: list[tuple[Figure, Any, str]] = []

    def note(figure: Figure, path: Any, *, format: str) -> None:  # noqa: A002
        figures.append((figure, path, format))

    monkeypatch.setattr(Figure, "savefig", note)
    return figures


def laid_out(figure: Figure) -> str:
    return type(figure.get_layout_engine()).__name__


def test_each_curve_has_a_panel_in_its_unit(painted: list[Any], tmp_path: Path) -> None:
    points = [
        CurvePoint(name=name, step=step, value=value)
        for name, values in (("val_acc", (0.5, 0.25)), ("a_loss", (3.0, 2.0)))
        for step, value in ((7, values[1]), (3, values[0]))
    ]
    draw_curves(points, "$a$ \x1b[2J", tmp_path / "c.png")
    ((figure, path, form),) = painted
    assert (path, form, laid_out(figure)) == (tmp_path / "c.png", "png", "ConstrainedLayoutEngine")
    assert figure.get_suptitle() == "$a$ \\x1b[2J"
    panels = figure.axes
    assert [panel.get_title() for panel in panels] == ["a loss", "val acc in %"]
    assert figure.get_size_inches().tolist() == pytest.approx([2 * 3.4, 2.8])
    for panel, values in zip(panels, ([3, 2], [50, 25]), strict=True):
        (line,) = panel.lines
        assert np.asarray(line.get_xydata()).tolist() == [[3, values[0]], [7, values[1]]]
        assert (line.get_marker(), to_hex(line.get_color())) == (".", "#0072b2")
        assert line.get_linewidth() < 1.5  # points stand out
        assert panel.get_xlabel() == "step"
        assert panel.xaxis.get_gridlines()[0].get_visible()
        assert panel.xaxis.get_gridlines()[0].get_alpha() < 1
        # Those of matplotlib's own size are too wide for a panel.
        labels = [panel.title, panel.xaxis.label, *panel.get_xticklabels()]
        assert all(float(label.get_fontsize()) < 10 for label in labels)
    assert figure._suptitle is not None
    assert not figure._suptitle.get_parse_math()


def confused(painted: list[Any], names: list[str], shares: np.ndarray) -> tuple[Figure, Axes]:
    painted.clear()
    draw_confusion(names, shares, "tim $x$", Path("c.png"))
    ((figure, path, form),) = painted
    assert (path, form, laid_out(figure)) == (Path("c.png"), "png", "ConstrainedLayoutEngine")
    return figure, figure.axes[0]


def test_mistakes_are_coloured_and_right_answers_written(painted: list[Any]) -> None:
    long = "x" * 25
    shares = np.array([[0.75, 0.25, 0], [0, 1, 0], [0, 0.4, 0.6]])
    figure, axes = confused(painted, ["$a$", "y" * 24, long], shares)
    (image,) = axes.images
    values: Any = image.get_array()
    assert values.filled(-1).tolist() == [[-1, 25, 0], [0, -1, 0], [0, 40, -1]]
    assert (image.get_clim(), image.get_cmap().name) == ((0, 40), "magma_r")
    assert image.get_interpolation() == "nearest"
    assert to_hex(axes.get_facecolor()) == "#e6e6e6"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["$a$", "y" * 24, "x" * 23 + "…"]
    beside = [text.get_text() for text in axes.get_yticklabels()]
    assert beside == ["$a$  75 %", f"{'y' * 24}  100 %", f"{'x' * 23}…  60 %"]
    assert [*axes.get_xticks()] == [*axes.get_yticks()] == [0, 1, 2]
    assert axes.get_xlabel() == "taken for"
    assert axes.get_ylabel() == "class, and how much of it was taken for itself"
    assert axes.get_title() == "tim $x$: confusion"
    texts = [axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()]
    assert not any(text.get_parse_math() for text in texts)
    assert all(float(text.get_fontsize()) < 10 for text in texts)
    assert {text.get_rotation() for text in axes.get_xticklabels()} == {90}
    figure.draw_without_rendering()
    bar = figure.axes[1]
    assert bar.get_ylabel() == "% of the queries of a class"
    assert bar.get_position().height < axes.get_position().height


def test_the_scale_of_colours_ends_at_one_percent_or_later(painted: list[Any]) -> None:
    none, few, many = np.eye(2), [[0.995, 0.005], [0, 1]], [[0.5, 0.5], [0.25, 0.75]]
    for shares, most in ((none, 1), (np.array(few), 1), (np.array(many), 50)):
        (image,) = confused(painted, ["a", "b"], shares)[1].images
        assert image.get_clim() == (0, most)
    (image,) = confused(painted, ["a"], np.eye(1))[1].images
    assert image.get_clim() == (0, 1)


@pytest.mark.parametrize(("n", "named"), [(60, True), (61, False)])
def test_names_are_written_where_they_fit(n: int, named: bool, painted: list[Any]) -> None:
    names = [f"class {i}" for i in range(n)]
    axes = confused(painted, names, np.eye(n))[1]
    told = axes.get_ylabel() == f"{n} classes, in the order of accuracy_by_class.csv"
    assert told is not named
    assert ("class 59" in [text.get_text() for text in axes.get_xticklabels()]) is named


def test_a_picture_grows_with_its_classes_up_to_a_limit(painted: list[Any]) -> None:
    sizes = []
    for n in (10, 20, 50, 300):
        figure = confused(painted, [f"{i}" for i in range(n)], np.eye(n))[0]
        width, height = figure.get_size_inches()
        assert width == pytest.approx(height + 1.5)  # for the scale
        sizes.append(height)
    assert sizes == pytest.approx([5.2, 7.4, 14, 14])
