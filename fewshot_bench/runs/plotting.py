"""The kinds of figures, and how each is made of finished runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.registry import canonical
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.figures.accuracies import accuracies_figure
from fewshot_bench.report.figures.cost import cost_figure
from fewshot_bench.report.figures.curves import curves_figure
from fewshot_bench.report.figures.differences import differences_figure
from fewshot_bench.report.figures.protocol import caption_of
from fewshot_bench.report.figures.ranks import ranks_figure
from fewshot_bench.report.figures.shots import shots_figure
from fewshot_bench.report.figures.trend import trend_figure
from fewshot_bench.tracking.record import TrackedRun


@dataclass(frozen=True)
class Asked:
    """What a user says of a figure beside its kind.

    Attributes:
        over: what a trend is over; None: what varies most.
        episode: which one is drawn; None: the first.
    """

    over: str | None = None
    episode: int | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes:
        summary: what it shows, in a line.
        draw: makes it of runs, see `latest`; what else is known of them; and what was asked.
        takes: the field of `Asked` that it heeds, if any.
    """

    summary: str
    draw: Callable[[pd.DataFrame, Gathered, Asked], Figure]
    takes: str = ""


def _of_cells(draw: Callable[[pd.DataFrame], Figure]) -> Callable[..., Figure]:
    return lambda runs, *_: draw(cells(runs))


def _of_runs(draw: Callable[[pd.DataFrame, Gathered], Figure]) -> Callable[..., Figure]:
    return lambda runs, gathered, _: draw(runs, gathered)


def _trend(runs: pd.DataFrame, _: Gathered, asked: Asked) -> Figure:
    return trend_figure(cells(runs), asked.over)


def _episode(runs: pd.DataFrame, gathered: Gathered, asked: Asked) -> Figure:
    """Answer an episode of the only run again; only now is torch worth loading."""
    from fewshot_bench.report.figures.episode import episode_figure
    from fewshot_bench.runs.refining import refined_episode
    from fewshot_bench.utilities.devices import pick_device

    if len(runs) > 1:
        raise UsageError(
            f"an episode is of one run, and these are {len(runs)}; choose one with --method, "
            "--dataset, --shots and --query-balance"
        )
    (run_id,), (method,) = runs["run_id"], runs["method"]
    index = asked.episode or 0
    found = refined_episode(gathered.measurement(run_id).config, index, pick_device("auto"))
    return episode_figure(found, f"{method} on episode {index}", caption_of(runs, episodes=False))


KINDS: Mapping[str, Kind] = {
    "accuracies": Kind("accuracy with 95 % interval, by method", _of_cells(accuracies_figure)),
    "shots": Kind("accuracy at few shots against that at more", _of_cells(shots_figure)),
    "cost": Kind("accuracy against time, and what nothing beats", _of_cells(cost_figure)),
    "curves": Kind("loss and val accuracy of each training", _of_runs(curves_figure)),
    "trend": Kind("accuracy over shots, ways or balance of queries", _trend, "over"),
    "ranks": Kind("average ranks with critical difference", _of_cells(ranks_figure)),
    "differences": Kind("paired differences of all pairs", _of_runs(differences_figure)),
    "episode": Kind("an episode before and after refinement", _episode, "episode"),
}


def chosen_kind(name: str) -> str:
    """Return the name of a kind as we spell it.

    Raises:
        UsageError: there is none.
    """
    kind = canonical(name)
    if kind not in KINDS:
        raise UsageError(f"no figure is called '{name}'; {suggestion(kind, KINDS)}")
    return kind


def check_asked(kind: str, asked: Asked) -> None:
    """Refuse an option that is of another kind.

    Raises:
        UsageError: the kind does not heed it.
    """
    for option, value in vars(asked).items():
        if value is not None and option != KINDS[kind].takes:
            (owner,) = (name for name, each in KINDS.items() if each.takes == option)
            raise UsageError(f"--{option} is of 'fsbench plot {owner}'; leave it out")


def draw(kind: str, runs: Sequence[TrackedRun], gathered: Gathered, asked: Asked) -> Figure:
    """Draw runs, at least one, of those that were gathered.

    Raises:
        UsageError: a figure of this kind cannot be made of them.
    """
    return KINDS[kind].draw(latest(runs), gathered, asked)
