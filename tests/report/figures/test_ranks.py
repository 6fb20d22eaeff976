"""The critical-difference diagram."""

import numpy as np
import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.ranks import complete_part, draw_ranks, ranks_figure
from fewshot_bench.statistics.ranks import Ranks
from tests.report.figures.drawn import boxes, caption, frame_of, names, overlapping, path, runs_of
from tests.report.samples import tracked

RANKS = Ranks(np.array([3.2, 1.0, 1.5, 3.0, 5.0]), 0.01, 1.6, 12)
NAMES = ["fourth", "first", "second", "third", "fifth"]


def test_names_stand_by_rank_and_bars_join_what_may_be_alike() -> None:
    settings = ["inductive"] * 3 + ["transductive"] * 2
    figure = draw_ranks(NAMES, settings, RANKS, "what")
    (axes,) = figure.axes
    told = [text for text in names(axes) if "." in text and "critical" not in text]
    assert told == ["first 1.00", "second 1.50", "third 3.00", "3.20 fourth", "5.00 fifth"]
    bars = [tuple(np.round(path(ln)[:, 0], 1)) for ln in axes.lines if ln.get_linewidth() == 3.2]
    assert bars == [(1.0, 1.5), (1.5, 3.0), (3.0, 3.2)]
    heights = [path(ln)[0, 1] for ln in axes.lines if ln.get_linewidth() == 3.2]
    assert heights[0] != heights[1] != heights[2]  # two that touch lie on two levels
    assert overlapping(boxes(figure, axes.texts)) == []
    assert caption(figure) == "what"


def test_the_critical_difference_is_as_long_as_it_says() -> None:
    (axes,) = draw_ranks(NAMES, ["inductive"] * 5, RANKS, "").axes
    (line,) = (ln for ln in axes.lines if set(path(ln)[:, 1]) == {-0.45})
    assert np.ptp(path(line)[:, 0]) == pytest.approx(1.6)
    assert "critical difference 1.6" in names(axes)
    wide = Ranks(RANKS.average, 0.5, 30.0, 2)
    (axes,) = draw_ranks(NAMES, ["inductive"] * 5, wide, "").axes
    assert "critical difference 30, more than the whole line" in names(axes)


def test_ranks_are_those_of_the_columns_that_all_have() -> None:
    runs = runs_of({"a": [0.7, 0.8, 0.6], "b": [0.6, 0.7, 0.7], "c": [0.5, 0.6]})
    figure = ranks_figure(frame_of(*runs, tracked(99, dataset="fc100", method="d")))
    (axes,) = figure.axes
    shown = [text for text in names(axes) if "." in text and "critical" not in text]
    assert shown == ["a 1.00", "b 2.00", "3.00 c"]
    told = caption(figure)
    assert "ranks over 2 columns: 1-shot, 5-shot" in told
    assert "left out, for gaps: 1 of the methods and 2 of the columns" in told


def test_the_largest_part_without_a_gap_is_chosen() -> None:
    nan = float("nan")
    means = pd.DataFrame({"a": [1, 2, nan], "b": [1, 2, 3], "c": [nan, 2, 3], "d": [1, 2, nan]})
    assert complete_part(means).shape == (2, 3)
    assert list(complete_part(means)) == ["a", "b", "d"]
    assert complete_part(means[["a"]]).empty
    assert complete_part(means.iloc[:1]).empty


def test_no_two_common_columns_have_no_ranks() -> None:
    with pytest.raises(UsageError, match="no two of these columns have two methods in common"):
        ranks_figure(frame_of(tracked(0), tracked(1, n_shot=5, method="tim")))
