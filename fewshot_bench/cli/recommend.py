"""``fsbench recommend``: which method to take for your data, and how to use it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fewshot_bench.cli import complete, options
from fewshot_bench.cli.printing import print_line, print_table

if TYPE_CHECKING:
    from fewshot_bench.runs.recommending import Recommendation
    from fewshot_bench.runs.request import Request


def recommend(
    dataset: options.Dataset,
    backbones: Annotated[
        list[str] | None,
        typer.Option(
            "--backbone",
            help="Network, repeatable.",
            show_default="those with stored weights, or conv4-64",
            autocompletion=complete.backbones,
        ),
    ] = None,
    weights: options.Weights = None,
    n_shot: Annotated[
        int, typer.Option("--shots", "-k", min=1, help="Labelled images a class.")
    ] = 1,
    n_way: options.Way = 5,
    n_query: options.Queries = 15,
    query_balance: options.QueryBalance = "balanced",
    n_query_way: options.QueryWays = None,
    n_episodes: Annotated[int, typer.Option("--episodes", min=2, help="Of each method.")] = 1000,
    episode_seed: options.EpisodeSeed = 0,
    seed: options.Seed = 0,
    preset: options.Preset = "default",
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
) -> None:
    """Measure all inexpensive heads on val, the best on test, and say which to take."""
    given = locals()
    request = _request(given)
    found = _measured(request, backbones or [], tracking_uri, device)
    _print(found, request)


def _request(given: dict[str, Any]) -> "Request":
    from fewshot_bench.runs.request import Request
    from fewshot_bench.utilities.validation import validated

    others = ("backbones", "n_shot", "device", "tracking_uri")
    fields = {k: v for k, v in given.items() if v is not None and k not in others}
    return validated(Request, {**fields, "methods": ["all"], "shots": [given["n_shot"]]})


def _measured(
    request: "Request", backbones: list[str], uri: str | None, device: str
) -> "Recommendation":
    from fewshot_bench.cli.sync import print_owed
    from fewshot_bench.runs.packing import pack
    from fewshot_bench.runs.recommending import recommend
    from fewshot_bench.tracking.writer import Tracker
    from fewshot_bench.utilities.signals import Interrupted

    tracker = Tracker(uri, pack=pack)
    try:
        found = recommend(request, backbones, tracker, device)
    except Interrupted as interrupted:
        typer.echo("stopped; the same command goes on where it was", err=True)
        raise typer.Exit(128 + interrupted.signal) from None
    print_owed(tracker.uri)
    return found


def _print(found: "Recommendation", request: "Request") -> None:
    from rich.table import Table

    from fewshot_bench.runs.advice import advice, command
    from fewshot_bench.runs.recommending import PLAIN

    config = found.val[0].record.config
    shape = f"{config.n_way}-way {config.n_shot}-shot, {config.n_episodes} episodes of val"
    table = Table(title=f"{config.dataset}, {shape}", title_justify="left")
    for heading in ("method", "backbone", "setting"):
        table.add_column(heading)
    for heading in ("accuracy", "ms an episode", "behind the best", "p (Holm)"):
        table.add_column(heading, justify="right")
    rows = []
    for rated in found.val:
        config, result = rated.record.config, rated.record.result
        names = (config.method, config.network, result.setting)
        rows.append((*names, rated.accuracy, rated.cost, rated.gap, rated.p_text))
    print_table(table, rows)
    for sentence in advice(found.test, PLAIN):
        print_line(sentence)
    print_line(f"Use it: {command(found.test[0].record, request)}")
