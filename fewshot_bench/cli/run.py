"""``fsbench run``: train what is missing, evaluate, log, print a small table."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fewshot_bench.config import RunConfig
    from fewshot_bench.results import RunRecord
    from fewshot_bench.tracking import Tracker


def run(
    method: Annotated[
        list[str], typer.Option("--method", "-m", help="Method, repeatable; or 'all'.")
    ],
    shots: Annotated[
        list[int] | None, typer.Option("--shots", "-k", help="Labelled images a class, repeatable.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="See 'fsbench list datasets'.")] = "glyphs",
    backbone: Annotated[str, typer.Option(help="See 'fsbench list backbones'.")] = "conv4-64",
    ways: Annotated[int, typer.Option(min=2, help="Classes of an episode.")] = 5,
    queries: Annotated[int, typer.Option(min=1, help="Query images a class.")] = 15,
    query_balance: Annotated[
        str, typer.Option(help="'balanced' or 'dirichlet:ALPHA'.")
    ] = "balanced",
    episodes: Annotated[
        int | None, typer.Option(min=2, help="Test episodes.  [default: 2000; smoke: 200]")
    ] = None,
    episode_seed: Annotated[int, typer.Option(min=0, help="Seed of the test episodes.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and training.")] = 0,
    preset: Annotated[str, typer.Option(help="smoke, default or paper.")] = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the recipe, repeatable, as train.lr=0.01."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store.  [default: sqlite:///mlflow.db]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Evaluate and log again, with the stored weights.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the complete configuration and stop.")
    ] = False,
) -> None:
    """Measure methods on test episodes, training what they need, and log it to MLflow."""
    from fewshot_bench.allocator import keep_freed_memory
    from fewshot_bench.data.store import open_dataset
    from fewshot_bench.episode import EpisodeSource
    from fewshot_bench.registry import methods
    from fewshot_bench.runner import make_config, pick_device

    keep_freed_memory()
    chosen = pick_device(device)
    names = list(methods) if method == ["all"] else method
    images = open_dataset(dataset)
    configs = [
        make_config(
            name,
            backbone,
            images,
            preset=preset,
            n_shot=k,
            settings=settings or (),
            n_way=ways,
            n_query=queries,
            query_balance=query_balance,
            n_episodes=episodes or (200 if preset == "smoke" else 2000),
            episode_seed=episode_seed,
            seed=seed,
        )
        for name in names
        for k in shots or [1]
    ]
    for config in configs:  # refuse before the first minute is spent
        EpisodeSource(images["test"], config.spec)
    if dry_run:
        for config in configs:
            typer.echo(config.model_dump_json(indent=2))
        return
    from fewshot_bench.tracking import Tracker

    tracker = Tracker(tracking_uri)
    try:
        records = [_run_one(config, tracker, str(chosen), force) for config in configs]
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
        raise typer.Exit(130) from None
    _print_summary(records, tracking_uri)


def _run_one(config: "RunConfig", tracker: "Tracker", device: str, force: bool) -> "RunRecord":
    import torch

    from fewshot_bench.progress import say
    from fewshot_bench.runner import run as carry_out
    from fewshot_bench.runner import stored_record

    title = f"{config.method} {config.backbone} {config.dataset} {config.n_shot}-shot"
    record = None if force else stored_record(config.key)
    if record is not None:
        if tracker.find(config.key, config.dataset) is not None:
            say(f"{title}: has been run (--force runs it again)")
            return record
        say(f"{title}: has been run; logging the stored result")
    else:
        say(f"{title}: running")
    with tracker.run(config) as active:
        record = record or carry_out(config, torch.device(device))
        active.log(record)
    return record


def _print_summary(records: "list[RunRecord]", tracking_uri: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    shots = sorted({r.config.n_shot for r in records})
    first = records[0].config
    title = f"{first.dataset}, {first.n_way}-way, {first.n_episodes} test episodes, accuracy in %"
    table = Table(title=title, title_justify="left")
    for heading in ("method", "backbone", "setting"):
        table.add_column(heading)
    for k in shots:
        table.add_column(f"{k}-shot", justify="right")
    for name in dict.fromkeys(r.config.method for r in records):
        mine = {r.config.n_shot: r.result for r in records if r.config.method == name}
        cells = [f"{100 * mine[k].mean:.2f} ± {100 * mine[k].ci95:.2f}" for k in shots]
        table.add_row(name, first.backbone, next(iter(mine.values())).setting, *cells)
    Console().print(table)
    uri = f" --tracking-uri {tracking_uri}" if tracking_uri else ""
    typer.echo(f"Next: 'fsbench table{uri}' compares all runs, 'fsbench ui{uri}' browses them.")
