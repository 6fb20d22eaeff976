"""What ssl-meta-plus has learned, drawn: trust in balance, and the numbers of its steps.

``python -m bench.learned reports/ssl-meta-plus`` writes ``-trust.png`` and ``-steps.png``, of the
weights that ``fsbench study transductive`` trained, on episodes of the val classes.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.config import RunConfig
from fewshot_bench.data.store import open_dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import gather, inputs_of
from fewshot_bench.report.figures.saving import save_figure
from fewshot_bench.report.figures.style import COLOURS, explain, new_figure, styled
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.runner import made_again
from fewshot_bench.runs.study import load_study
from fewshot_bench.utilities.progress import say

N_EPISODES = 500  # of each balance
BALANCES = (None, 5.0, 2.0, 1.0)
SHOTS = {1: (COLOURS[0], "o", "-"), 5: (COLOURS[1], "D", (0, (5, 1.5)))}
NAMES = ("sharpness s", "fraction r of the way to the means", "weight u of a labelled image")
Points = NDArray[np.float64]


def configs() -> list[RunConfig]:
    """One run of each seed of ssl-meta-plus in the study."""
    asked = load_study("transductive")
    update = {"methods": ("ssl-meta-plus",), "by_method": {}, "shots": (1,)}
    plan = make_plan(asked.model_copy(update={**update, "query_balances": ("balanced",)}))
    return [cell.config for cell in plan.cells]


def trusted(method: Any, config: RunConfig, n_shot: int) -> Points:
    """True imbalance of episodes, and the share of it that is kept, ``[n, 2]``.

    Imbalance is the share of queries that balanced classes would not have; what is kept of the
    logarithms' spread is, to first order, the last exponent to the power of the rounds.
    """
    split = open_dataset(config.dataset)["val"]
    table, found = inputs_of(method, split), []
    n_rounds = sys.modules[type(method).__module__].N_LEVELLING
    for alpha in BALANCES:
        indices = EpisodeSource(split, EpisodeSpec(5, n_shot, 15, alpha)).indices(0, N_EPISODES)
        episode, labels = gather(table, indices, 5)
        with torch.no_grad():
            *_, kept = exponents(method, episode)
        shares = F.one_hot(labels, 5).double().mean(1)
        imbalance = (shares - 0.2).clamp(min=0).sum(1)
        found.append(torch.stack([imbalance, kept.double() ** n_rounds], dim=1))
    return torch.cat(found).numpy()


def exponents(method: Any, episode: Any) -> list[torch.Tensor]:
    """What the network of trust says in each step, ``[T]``."""
    said: list[torch.Tensor] = []
    hook = method.trust.register_forward_hook(lambda _, __, out: said.append(out.flatten()))
    try:
        method(episode)
    finally:
        hook.remove()
    return said


@styled
def draw_trust(points: dict[int, list[Points]]) -> Figure:
    """A line a seed and number of shots, means over bins of imbalance."""
    figure = new_figure(3.6, 6.2)
    panel = figure.subplots()
    edges = np.array([-0.01, 0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.8])
    for n_shot, of_seeds in points.items():
        colour, mark, dash = SHOTS[n_shot]
        for seed, each in enumerate(of_seeds):
            place = np.digitize(each[:, 0], edges)
            means = np.array([each[place == i].mean(0) for i in np.unique(place)])
            label = f"{n_shot}-shot" if seed == 0 else None
            panel.plot(*means.T, color=colour, marker=mark, ls=dash, ms=3.5, lw=1, label=label)
    panel.set_xlabel("true imbalance: queries beyond an equal share, of all")
    panel.set_ylabel("share of the imbalance found that is kept")
    panel.set_ylim(0, 1.03)
    _finish(panel)
    explain(figure, "Trust in balance", _caption(points[1]))
    return figure


@styled
def draw_steps(numbers: list[torch.Tensor]) -> Figure:
    """A panel for each number that is learned of a step, a line a seed and number of shots."""
    figure = new_figure(3.0)
    for i, (panel, name) in enumerate(zip(figure.subplots(1, 3), NAMES, strict=True)):
        for n_shot, (colour, mark, dash) in SHOTS.items():
            for seed, each in enumerate(numbers):
                raw = each[i] @ each.new_tensor([1.0, np.log(n_shot), 0.0])
                values = (raw.sigmoid() if i == 1 else raw.exp()).detach().numpy()
                values = values if i == 0 else values[:-1]  # after the last answer nothing moves
                label = f"{n_shot}-shot" if seed == 0 else None
                panel.plot(values, color=colour, marker=mark, ls=dash, ms=3.5, lw=1, label=label)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("step")
        panel.set_ylim(bottom=0)
        _finish(panel)
    explain(figure, "What is learned of each step, at 5 ways", _caption(numbers))
    return figure


def _finish(panel: Axes) -> None:
    panel.grid(True)
    panel.legend(loc="best")


def _caption(of_seeds: list[Any]) -> str:
    return (
        f"ssl-meta-plus on cifar-fs, conv4-64; a line a seed, {len(of_seeds)} of them; val classes"
    )


def main(start: str) -> None:
    """Draw both figures to files whose names begin with `start`."""
    cpu, numbers = torch.device("cpu"), []
    points: dict[int, list[Points]] = {n_shot: [] for n_shot in SHOTS}
    for config in configs():
        try:
            method: Any = made_again(config, cpu)[0].eval()
        except UsageError as error:  # a seed that has not been trained here
            say(f"left out: {error}")
            continue
        numbers.append(method.numbers)
        for n_shot, found in points.items():
            found.append(trusted(method, config, n_shot))
    save_figure(draw_trust(points), Path(f"{start}-trust.png"))
    save_figure(draw_steps(numbers), Path(f"{start}-steps.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
