"""How accuracy changes with shots, ways or the balance of queries: a line a method."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.report.figures.labels import axes_size, spread, text_size, within
from fewshot_bench.report.figures.protocol import (
    caption_of,
    interval_note,
    names_of,
    require_one,
)
from fewshot_bench.report.figures.style import (
    MUTED,
    explain,
    fix_places,
    lettered,
    line_looks,
    new_figure,
    styled,
)

_LINE, _MARGIN, _LEAST = 0.17, 1.5, 4.2  # inches
_GAP, _STEP = 18.0, 10.0  # points from the end of a line to its name, and between names
_MOST_PANELS = 4
_LONGEST = 25  # characters of a name


@dataclass(frozen=True)
class _Over:
    """A fact that accuracy may be drawn against.

    Attributes:
        column: of `cells`.
        label: of the axis.
        option: that chooses one of its values.
        place: where a value stands on the axis, by its rank among those there are.
        text: of a value, on the axis and, where it is another panel's, above it.
    """

    column: str
    label: str
    option: str
    place: Callable[[Any, int], float]
    text: Callable[[Any], str]
    title: Callable[[Any], str]


def _imbalance(balance: str) -> float:
    """How far from balanced queries are: 1 / alpha of a Dirichlet, else 0."""
    alpha = balance.partition(":")[2]
    return 1 / float(alpha) if alpha else 0.0


def _balance_title(balance: str) -> str:
    return balance.replace("dirichlet:", "Dirichlet ")


def _balance_text(balance: str) -> str:
    """Short, since four of them stand side by side under half a figure."""
    return f"Dir({alpha})" if (alpha := balance.partition(":")[2]) else balance


OVER: dict[str, _Over] = {
    "shots": _Over(
        "n_shot", "shots", "--shots", lambda k, _: np.log(k), str, lambda k: f"{k}-shot"
    ),
    "ways": _Over("n_way", "ways", "--ways", lambda n, _: np.log(n), str, lambda n: f"{n}-way"),
    "balance": _Over(
        "query_balance",
        "balance of queries",
        "--query-balance",
        lambda _, rank: float(rank),
        _balance_text,
        _balance_title,
    ),
}


@styled
def trend_figure(frame: pd.DataFrame, over: str | None = None) -> Figure:
    """Draw a line a method, over one fact; of others that vary, each value has a panel.

    Args:
        frame: cells of one protocol but for shots, ways and balance, see `cells`.
        over: ``shots``, ``ways`` or ``balance``; None: that with the most values.

    Raises:
        UsageError: they are of several protocols, nothing varies, or too much does.
    """
    facts = {name: list(set(frame[each.column])) for name, each in OVER.items()}
    chosen = _chosen(facts, over)
    free = [each.column for each in OVER.values()]
    require_one(frame, "trend", free=("backbone", *free))
    along = OVER[chosen]
    others = [each.column for name, each in OVER.items() if name != chosen and len(facts[name]) > 1]
    groups = _groups(frame.assign(name=names_of(frame, _LONGEST)), along.column, others)
    _check_panels(groups, chosen, others)
    names = _by_mean(pd.concat(groups.values()))
    looks = line_looks(names)
    figure = new_figure(max(_LEAST, _MARGIN + _LINE * len(names)))
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    values = sorted(facts[chosen], key=_imbalance if chosen == "balance" else None)
    places = {value: along.place(value, rank) for rank, value in enumerate(values)}
    for panel, (key, group) in zip(panels, groups.items(), strict=True):
        titles = [each.title(v) for each, v in zip(_named(others), key, strict=True)]
        panel.set_title(", ".join(titles))
        _lines(panel, group.assign(place=group[along.column].map(places)), looks)
        panel.set_xticks([*places.values()], [along.text(value) for value in places])
        panel.set_xlabel(along.label)
        panel.grid()
    panels[0].set_ylabel("accuracy, %")
    n_out = len(set(names_of(frame))) - len(names)
    left_out = f"not drawn, for want of a second point: {n_out}" if n_out else ""
    key_of_marks = "filled: inductive, open: transductive"
    caption = caption_of(frame, interval_note(frame), key_of_marks, left_out)
    explain(figure, f"Accuracy over {along.label}", caption)
    fix_places(figure)
    for panel, group in zip(panels, groups.values(), strict=True):
        _ends(panel, group.assign(place=group[along.column].map(places)), looks)
    return figure


def _groups(
    frame: pd.DataFrame, along: str, others: Sequence[str]
) -> dict[tuple[Hashable, ...], pd.DataFrame]:
    """The cells of each panel, without lines of one point."""
    long = frame[frame.groupby(["name", *others])[along].transform("size") > 1]
    if not others:
        return {(): long} if len(long) else {}
    return {tuple(key): group for key, group in long.groupby([*others])}


def _chosen(facts: Mapping[str, Sequence[Any]], over: str | None) -> str:
    if over is not None:
        if over not in OVER:
            raise UsageError(f"no trend is over '{over}'; {suggestion(over, OVER)}")
        if len(facts[over]) < 2:
            raise UsageError(f"these runs have one value of {over}: {facts[over][0]}; run others")
        return over
    # Where several vary as much the last, since shots have a figure of their own.
    most = max(reversed(OVER), key=lambda name: len(facts[name]))
    if len(facts[most]) < 2:
        raise UsageError(
            "a trend needs runs of several shots, ways or balances of queries, and these have one "
            "of each; run others, as with --shots 1 --shots 5"
        )
    return most


def _named(columns: Sequence[str]) -> list[_Over]:
    return [each for each in OVER.values() if each.column in columns]


def _check_panels(
    groups: Mapping[tuple[Hashable, ...], pd.DataFrame], chosen: str, others: Sequence[str]
) -> None:
    options = " or ".join(each.option for each in _named(others))
    if not groups:
        raise UsageError(
            f"no method was measured at two values of {chosen}; choose another with --over"
        )
    if len(groups) > _MOST_PANELS:
        raise UsageError(
            f"a trend over {chosen} of these runs would have {len(groups)} panels, and at most "
            f"{_MOST_PANELS} are drawn; choose with {options}"
        )


def _by_mean(frame: pd.DataFrame) -> list[str]:
    means = frame.groupby("name")["mean"].mean()
    return [str(name) for name in means.sort_values(ascending=False, kind="stable").index]


def _lines(panel: Axes, group: pd.DataFrame, looks: Mapping[str, dict[str, Any]]) -> None:
    for name, line in group.groupby("name"):
        line = line.sort_values("place")
        look = looks[str(name)]
        inductive = line["setting"].iloc[0] == "inductive"
        panel.errorbar(
            line["place"],
            100 * line["mean"],
            yerr=100 * line["ci95"],
            lw=1.3,
            elinewidth=0.8,
            markersize=4.5,
            mfc=look["color"] if inductive else "white",
            clip_on=False,
            **look,
        )


def _ends(panel: Axes, group: pd.DataFrame, looks: Mapping[str, dict[str, Any]]) -> None:
    """Write the names at the ends of the lines, moved apart, and led to their lines."""
    last = group.sort_values("place").groupby("name").tail(1)
    last = last.sort_values("mean", kind="stable")
    texts, facts = lettered(last["name"])
    facts["fontsize"] = 7.8
    room = max(text_size(panel, text, facts)[0] for text in texts) + _GAP
    _make_room(panel, group["place"].to_numpy(float), room)
    width, height = axes_size(panel)
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    wanted = (100 * last["mean"]).tolist()
    places = within(spread(wanted, _STEP * (high - low) / height), low, high)
    start = float(group["place"].max()) + _GAP / width * (right - left)
    leader = {"arrowstyle": "-", "lw": 0.5, "color": MUTED, "shrinkA": 1, "shrinkB": 4}
    ends = zip(last["name"], texts, last["place"], wanted, places, strict=True)
    for name, text, x, y, place in ends:
        panel.annotate(
            text,
            (x, y),
            (start, place),
            va="center",
            color=looks[name]["color"],
            arrowprops={**leader, "relpos": (0, 0.5)},
            **facts,
        )


def _make_room(panel: Axes, places: NDArray[np.float64], room: float) -> None:
    """Have the lines leave `room` points on the right, or a half if that is less."""
    width, _ = axes_size(panel)
    low, high = places.min(), places.max()
    margin = 0.04 * (high - low)
    share = max(0.5, 1 - room / width)
    panel.set_xlim(low - margin, low - margin + (high - low + margin) / share)
