"""Lines over shots, ways and balance of queries."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.trend import trend_figure
from tests.report.figures.drawn import (
    SIB,
    boxes,
    caption,
    frame_of,
    marks,
    names,
    overlapping,
    runs_of,
)
from tests.report.samples import tracked


def test_a_line_a_method_over_what_varies_most() -> None:
    runs = runs_of({"a": [0.5, 0.6, 0.7], "b": [0.55, 0.65, 0.6], "alone": [0.4]})
    figure = trend_figure(frame_of(*runs))
    (panel,) = figure.axes
    assert sorted(names(panel)) == ["a", "b"]
    xs = np.log([1, 5, 10])
    expected = [*zip(xs, [50, 60, 70], strict=True), *zip(xs, [55, 65, 60], strict=True)]
    assert sorted(marks(panel)) == [pytest.approx(p) for p in sorted(expected)]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["1", "5", "10"]
    assert panel.get_xlabel() == "shots"
    assert "not drawn, for want of a second point: 1" in caption(figure)


def test_imbalance_grows_to_the_right() -> None:
    balances = ["dirichlet:1", "balanced", "dirichlet:5", "dirichlet:2"]
    runs = [tracked(i, query_balance=b, mean=0.7 - 0.01 * i) for i, b in enumerate(balances)]
    (panel,) = trend_figure(frame_of(*runs)).axes
    told = [text.get_text() for text in panel.get_xticklabels()]
    assert told == ["balanced", "Dir(5)", "Dir(2)", "Dir(1)"]
    assert [y for _, y in marks(panel)] == pytest.approx([69, 68, 67, 70])


def test_other_facts_have_panels_on_one_scale() -> None:
    runs = [
        tracked(i, n_shot=k, query_balance=b, mean=0.5 + 0.1 * i)
        for i, (k, b) in enumerate([(1, "balanced"), (5, "balanced"), (1, "dirichlet:2")])
    ]
    runs.append(tracked(9, n_shot=5, query_balance="dirichlet:2", mean=0.9))
    panels = trend_figure(frame_of(*runs), "shots").axes
    assert [panel.get_title() for panel in panels] == ["balanced", "Dirichlet 2"]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    panels = trend_figure(frame_of(*runs), "balance").axes
    assert [panel.get_title() for panel in panels] == ["1-shot", "5-shot"]


def test_many_lines_are_told_apart_and_named_without_overlap() -> None:
    many = {f"method-{i:02}": [0.6 + 0.001 * i, 0.7 + 0.001 * i] for i in range(20)}
    figure = trend_figure(frame_of(*runs_of(many, setting="inductive")))
    (panel,) = figure.axes
    assert overlapping(boxes(figure, panel.texts)) == []
    lines = [bar.lines[0] for bar in panel.containers]  # type: ignore[attr-defined]
    looks = {(to_hex(ln.get_color()), ln.get_linestyle(), ln.get_marker()) for ln in lines}
    assert len(looks) == 20
    right = panel.get_window_extent().x1
    assert all(box.x1 <= right + 1 for box in boxes(figure, panel.texts))


def test_settings_are_told_by_filling() -> None:
    both = tracked(9, **SIB, mean=0.6), tracked(10, **SIB, mean=0.7, n_shot=5)
    runs = [*runs_of({"a": [0.5, 0.6]}), *both]
    (panel,) = trend_figure(frame_of(*runs)).axes
    fillings = {bar.lines[0].get_markerfacecolor() for bar in panel.containers}  # type: ignore[attr-defined]
    assert "white" in fillings
    assert len(fillings) == 2


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
