"""Which finished runs a command shows: one set of options for all commands that show some."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fewshot_bench.cli import complete, options

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection

OnlyQueries = Annotated[
    list[int] | None,
    typer.Option("--queries", help="Only with as many queries a class, repeatable."),
]
OnlyBalances = Annotated[
    list[str] | None,
    typer.Option("--query-balance", help="Only 'balanced' or 'dirichlet:ALPHA', repeatable."),
]
OnlyEpisodes = Annotated[
    list[int] | None, typer.Option("--episodes", help="Only with as many episodes, repeatable.")
]
OnlySeeds = Annotated[
    list[int] | None, typer.Option("--seed", help="Only of these training seeds, repeatable.")
]
OnlyPresets = Annotated[
    list[str] | None,
    typer.Option(
        "--preset",
        help="Only of these, repeatable.",
        show_default="all; smoke where there is nothing else",
        autocompletion=complete.presets,
    ),
]
OnlyStudy = Annotated[
    str | None,
    typer.Option("--study", help="Only of this study: its name in MLflow, or its file."),
]


def selection(
    dataset: options.OnlyDatasets = None,
    method: options.OnlyMethods = None,
    backbone: options.OnlyBackbones = None,
    shots: options.OnlyShots = None,
    ways: options.OnlyWays = None,
    queries: OnlyQueries = None,
    query_balance: OnlyBalances = None,
    episodes: OnlyEpisodes = None,
    seed: OnlySeeds = None,
    preset: OnlyPresets = None,
    study: OnlyStudy = None,
    split: options.OfSplit = "test",
) -> "Selection":
    """Make a selection of what a user asked for."""
    from fewshot_bench.report.selection import Selection

    if study is not None:
        from fewshot_bench.runs.study import study_name

        study = study_name(study)
    return Selection(
        names={"dataset": dataset or (), "method": method or (), "backbone": backbone or ()},
        shots=shots or (),
        ways=ways or (),
        split=split,
        study=study,
        queries=queries or (),
        episodes=episodes or (),
        seeds=seed or (),
        presets=preset or (),
        balances=query_balance or (),
    )


def words_of(selection: "Selection") -> list[str]:
    """Write a selection, without its study, as the options that ask for it."""
    asked: dict[str, Iterable[object]] = {
        **selection.names,
        "shots": selection.shots,
        "ways": selection.ways,
        "queries": selection.queries,
        "query-balance": selection.balances,
        "episodes": selection.episodes,
        "seed": selection.seeds,
        "preset": selection.presets,
        "split": [selection.split] if selection.split == "val" else [],
    }
    return [w for name, values in asked.items() for v in values for w in (f"--{name}", str(v))]


def selecting(*left_out: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `selection`, and what they say as its argument of that name.

    Args:
        left_out: options that the command has by other means.
    """
    chosen = {
        name: parameter
        for name, parameter in inspect.signature(selection).parameters.items()
        if name not in left_out
    }

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.name != "selection"]

        @wraps(command)
        def with_options(**given: Any) -> None:
            asked = {name: given.pop(name) for name in chosen}
            command(selection=selection(**asked), **given)

        joined = sorted([*own, *chosen.values()], key=lambda p: p.default is not p.empty)
        with_options.__signature__ = signature.replace(parameters=joined)  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in joined}
        return with_options

    return decorated
