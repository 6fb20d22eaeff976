"""Lines over shots, ways and balance of queries."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.style import line_looks
from fewshot_bench.report.figures.trend import trend_figure
from tests.report.figures.drawn import (
    SIB,
    boxes,
    caption,
    frame_of,
    intervals,
    key,
    marks,
    names,
    overlapping,
    runs_of,
)
from tests.report.samples import tracked


@pytest.fixture(scope="module")
def figure() -> Figure:
    """Lines over three numbers of shots, one of a transductive method, and a lone point."""
    lines = {"a": [0.5, 0.6, 0.7], "best": [0.65, 0.75, 0.8], "alone": [0.4]}
    sib = [tracked(90 + k, n_shot=k, mean=0.55 + 0.01 * k, ci95=0.002, **SIB) for k in (1, 5, 10)]
    found = trend_figure(frame_of(*runs_of(lines, ci95=0.003), *sib))
    FigureCanvasAgg(found).draw()  # type: ignore[no-untyped-call]
    return found


def notes(panel: Axes) -> dict[str, Annotation]:
    return {each.get_text(): each for each in panel.texts if isinstance(each, Annotation)}


def test_a_line_a_method_over_what_varies_most(figure: Figure) -> None:
    (panel,) = figure.axes
    assert sorted(names(panel)) == ["a", "best", "ssl-meta"]
    x = np.round(np.log([1, 5, 10]), 9).tolist()
    colours = line_looks(["best", "ssl-meta", "a"])  # by their means: 73.3, 60.3 and 60
    lines = {
        "a": ([50, 60, 70], 0.3),
        "best": ([65, 75, 80], 0.3),
        "ssl-meta": ([56, 60, 65], 0.2),
    }
    assert intervals(panel) == [
        (place, mean, 0, half, colours[name]["color"])
        for name, (means, half) in lines.items()
        for place, mean in zip(x, means, strict=True)
    ]
    assert panel.get_xticks() == pytest.approx(x)
    assert [text.get_text() for text in panel.get_xticklabels()] == ["1", "5", "10"]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("shots", "accuracy, %")
    assert panel.get_title() == ""
    assert key(figure) == ("Accuracy over shots", {})
    assert caption(figure) == (
        "cifar-fs, test classes · conv4-64 · 5-way, 15 queries a class, balanced · 2,000 episodes "
        "· mean and 95 % interval over episodes · filled: inductive, open: transductive · "
        "not drawn, for want of a second point: 1"
    )


def test_settings_are_told_by_filling(figure: Figure) -> None:
    lines = [bar.lines[0] for bar in figure.axes[0].containers]  # type: ignore[attr-defined]
    a, best, sib = lines
    assert [line.get_markerfacecolor() for line in (a, best)] == [a.get_color(), best.get_color()]
    assert sib.get_markerfacecolor() == "white"


def test_names_stand_right_of_the_ends_of_their_lines_in_their_colour(figure: Figure) -> None:
    (panel,) = figure.axes
    found = notes(panel)
    ends = {"a": 70, "best": 80, "ssl-meta": 65}
    looks = line_looks(["best", "ssl-meta", "a"])
    point = figure.dpi / 72
    for name, mean in ends.items():
        assert found[name].xy == pytest.approx((np.log(10), mean))
        assert found[name].xyann[1] == pytest.approx(mean)  # far apart, so none had to move
        assert found[name].get_verticalalignment() == "center"
        assert found[name].get_color() == looks[name]["color"]
        assert found[name].arrow_patch is not None
        pixels = panel.transData.transform([found[name].xy, found[name].xyann])
        assert pixels[1, 0] - pixels[0, 0] == pytest.approx(18 * point)
    widest = max(box.width for box in boxes(figure, panel.texts))
    (low, high), window = panel.get_xlim(), panel.get_window_extent()
    assert low == pytest.approx(-0.04 * np.log(10))
    room = (high - np.log(10)) / (high - low) * window.width
    assert room == pytest.approx(widest + 18 * point, abs=point)


def test_names_of_lines_that_end_close_to_each_other_are_moved_apart() -> None:
    figure = trend_figure(frame_of(*runs_of({"a": [0.5, 0.7], "b": [0.9, 0.701]})))
    (panel,) = figure.axes
    a, b = (notes(panel)[name] for name in "ab")
    assert (a.xy[1], b.xy[1]) == pytest.approx((70, 70.1))
    pixels = panel.transData.transform([a.xyann, b.xyann])
    assert pixels[1, 1] - pixels[0, 1] == pytest.approx(10 * figure.dpi / 72)
    assert (a.xyann[1] + b.xyann[1]) / 2 == pytest.approx(70.05)  # by the same


def test_imbalance_grows_to_the_right() -> None:
    balances = ["dirichlet:1", "balanced", "dirichlet:5", "dirichlet:2"]
    runs = [tracked(i, query_balance=b, mean=0.7 - 0.01 * i) for i, b in enumerate(balances)]
    (panel,) = trend_figure(frame_of(*runs)).axes
    told = [text.get_text() for text in panel.get_xticklabels()]
    assert told == ["balanced", "Dir(5)", "Dir(2)", "Dir(1)"]
    assert [y for _, y in marks(panel)] == pytest.approx([69, 68, 67, 70])


def test_ways_are_an_axis_too_and_backbones_are_named() -> None:
    facts = [("conv4-64", 5, 0.7), ("conv4-64", 20, 0.5), ("b", 5, 0.8), ("b", 20, 0.6)]
    runs = [tracked(i, backbone=b, n_way=n, mean=m) for i, (b, n, m) in enumerate(facts)]
    (panel,) = trend_figure(frame_of(*runs)).axes
    assert panel.get_xlabel() == "ways"
    assert sorted(names(panel)) == ["proto-net (b)", "proto-net (conv4-64)"]
    expected = [(np.log(n), 100 * m) for _, n, m in (*facts[2:], *facts[:2])]
    assert marks(panel) == [pytest.approx(each) for each in expected]


def test_other_facts_have_panels_on_one_scale() -> None:
    facts = [(k, b, n) for k in (1, 5) for b in ("balanced", "dirichlet:2") for n in (5, 20)]
    runs = [
        tracked(i, n_shot=k, query_balance=b, n_way=n, mean=0.5 + 0.05 * i, method="m" * 20)
        for i, (k, b, n) in enumerate(facts)
    ]
    figure = trend_figure(frame_of(*runs), "shots")
    panels = figure.axes
    assert [panel.get_title() for panel in panels] == [
        "5-way, balanced",
        "5-way, Dirichlet 2",
        "20-way, balanced",
        "20-way, Dirichlet 2",
    ]
    assert [[y for _, y in marks(panel)] for panel in panels] == [
        pytest.approx(each) for each in ([50, 70], [60, 80], [55, 75], [65, 85])
    ]
    assert len({panel.get_ylim() for panel in panels}) == 1
    assert [panel.get_ylabel() for panel in panels] == ["accuracy, %", "", "", ""]
    low, high = panels[0].get_xlim()  # however long a name is, a half is left to the lines
    assert np.log(5) - low == pytest.approx((high - low) / 2)
    panels = trend_figure(frame_of(*runs[::2]), "balance").axes
    assert [panel.get_title() for panel in panels] == ["1-shot", "5-shot"]


def test_many_lines_are_told_apart_and_named_without_overlap() -> None:
    many = {f"method-{i:02}": [0.6 + 0.001 * i, 0.7 + 0.001 * i] for i in range(20)}
    figure = trend_figure(frame_of(*runs_of(many, setting="inductive")))
    (panel,) = figure.axes
    assert overlapping(boxes(figure, panel.texts)) == []
    few = trend_figure(frame_of(*runs_of({"a": [0.5, 0.6]}))).get_figheight()
    assert figure.get_figheight() > few > 3  # a line for each name, and never flat
    lines = [bar.lines[0] for bar in panel.containers]  # type: ignore[attr-defined]
    looks = {(to_hex(ln.get_color()), ln.get_linestyle(), ln.get_marker()) for ln in lines}
    assert len(looks) == 20
    right = panel.get_window_extent().x1
    assert all(box.x1 <= right + 1 for box in boxes(figure, panel.texts))


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (None, "one of each; run others"),
        ("ways", "these runs have one value of ways: 5"),
        ("shot", "no trend is over 'shot'; did you mean 'shots'?"),
    ],
)
def test_what_does_not_vary_has_no_trend(over: str | None, words: str) -> None:
    with pytest.raises(UsageError) as error:
        trend_figure(frame_of(tracked(0)), over)
    assert words in str(error.value)


def test_methods_of_one_point_and_too_many_panels_are_refused() -> None:
    apart = frame_of(tracked(0), tracked(1, n_shot=5, **SIB))
    with pytest.raises(UsageError, match="no method was measured at two values of shots"):
        trend_figure(apart)
    balances = ["balanced", *(f"dirichlet:{a}" for a in (1, 2, 3, 4))]
    many = [
        tracked(i, n_shot=k, query_balance=b)
        for i, (b, k) in enumerate((b, k) for b in balances for k in (1, 5))
    ]
    with pytest.raises(UsageError, match=r"5 panels, .* choose with --query-balance"):
        trend_figure(frame_of(*many), "shots")
    more = [
        tracked(i, n_shot=k, n_way=n, query_balance=b)
        for i, (k, n, b) in enumerate(
            (k, n, b) for k in (1, 5, 10) for n in (5, 20) for b in balances[:2]
        )
    ]
    with pytest.raises(UsageError, match=r"6 panels, .* choose with --shots or --ways"):
        trend_figure(frame_of(*more), "balance")
