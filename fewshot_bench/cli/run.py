"""``fsbench run``: train what is missing, evaluate, log, print a small table."""

from functools import partial
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
        list[int] | None,
        typer.Option("--shots", "-k", min=1, help="Labelled images a class, repeatable."),
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
    split: Annotated[str, typer.Option(help="Classes of the episodes: test or val.")] = "test",
    tune: Annotated[
        str | None, typer.Option(help="'val': choose settings from the method's grid on val.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the recipe, repeatable, as train.lr=0.01."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store.  [default: sqlite:///mlflow.db]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run again; weights that other code made are made anew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the complete configuration and stop.")
    ] = False,
) -> None:
    """Measure methods on test episodes, training what they need, and log it to MLflow."""
    from fewshot_bench.cli.sync import print_owed
    from fewshot_bench.data.store import open_dataset
    from fewshot_bench.episodes.source import EpisodeSource
    from fewshot_bench.errors import UsageError
    from fewshot_bench.method import methods
    from fewshot_bench.runs.runner import make_config, pick_device
    from fewshot_bench.runs.tuning import grid_points
    from fewshot_bench.utilities.memory import keep_freed_memory
    from fewshot_bench.utilities.signals import Interrupted, interruptible

    keep_freed_memory()
    if split not in ("test", "val") or tune not in (None, "val"):
        raise UsageError("--split takes test or val, and --tune takes val: never tune on test")
    chosen = pick_device(device)
    names = list(methods) if method == ["all"] else method
    images = open_dataset(dataset)

    protocol: dict[str, int | str] = {
        "n_way": ways,
        "n_query": queries,
        "query_balance": query_balance,
        "n_episodes": episodes or (200 if preset == "smoke" else 2000),
        "episode_seed": episode_seed,
        "seed": seed,
    }

    def configure(name: str, k: int, split: str, *point: str) -> "RunConfig":
        texts = [*(settings or ()), *point]
        return make_config(
            name, backbone, images, preset=preset, n_shot=k, settings=texts, split=split, **protocol
        )

    # The settings to choose from on val, for each method and number of shots.
    sweeps: dict[tuple[str, int], list[tuple[str, ...]]] = {}
    for name in names:
        points = grid_points(methods[name].recipe_type, settings or ()) if tune else []
        sweeps |= {(name, k): points for k in shots or [1]}
    plan = [configure(*cell, "val", *p) for cell, points in sweeps.items() for p in points]
    plan += [configure(*cell, split) for cell in sweeps]
    for config in plan:  # refuse before the first minute is spent
        EpisodeSource(images[config.split], config.spec)
    if dry_run:
        for config in plan:
            typer.echo(config.model_dump_json(indent=2))
        return
    tracker = _tracker(tracking_uri)
    measure = partial(_run_one, tracker=tracker, device=str(chosen), force=force)
    try:
        records = []
        with interruptible():
            for cell, points in sweeps.items():
                tried = {point: measure(configure(*cell, "val", *point)) for point in points}
                records.append(measure(configure(*cell, split, *_best(tried))))
    except Interrupted as interrupted:
        typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + interrupted.signal) from None
    _print_summary(records, tracker.uri if tracking_uri else None)
    print_owed(tracker.uri)


def _tracker(tracking_uri: str | None) -> "Tracker":
    """Return the tracker of a store that answers, or one that is away for a while."""
    from fewshot_bench.tracking import Tracker
    from fewshot_bench.tracking.store import StoreAwayError
    from fewshot_bench.utilities.progress import say

    tracker = Tracker(tracking_uri)
    try:
        tracker.check()
    except StoreAwayError as error:
        say(f"warning: {error}; until then results are kept here")
    return tracker


def _best(tried: "dict[tuple[str, ...], RunRecord]") -> tuple[str, ...]:
    """Return the settings that did best on val, and say so; nothing if none were tried."""
    from fewshot_bench.utilities.progress import say

    if not tried:
        return ()
    point, record = max(tried.items(), key=lambda item: item[1].result.mean)
    accuracy = f"{100 * record.result.mean:.2f} %"
    say(f"{record.config.method}: best of {len(tried)} on val, {accuracy}: {' '.join(point)}")
    return point


def _run_one(config: "RunConfig", tracker: "Tracker", device: str, force: bool) -> "RunRecord":
    from fewshot_bench.utilities.locks import cell_lock

    with cell_lock(config.key, config.title):
        return _run_alone(config, tracker, device, force)


def _run_alone(config: "RunConfig", tracker: "Tracker", device: str, force: bool) -> "RunRecord":
    """Run a cell that no other process on this machine runs, unless its record is there."""
    import torch

    from fewshot_bench.runs.runner import run as carry_out
    from fewshot_bench.runs.runner import stored_record
    from fewshot_bench.tracking.owed import deliver
    from fewshot_bench.training.meta_training import config_source
    from fewshot_bench.utilities.progress import say

    record = None if force else stored_record(config.key)
    if record is None:
        say(f"{config.title}: running")
        with tracker.announced(config):
            record = carry_out(config, torch.device(device), renew=force)
    else:
        changed = record.source not in (None, config_source(config))
        code = " by other code of method or backbone" if changed else ""
        if _is_logged(config, tracker):
            say(f"{config.title}: has been run{code} (--force runs it again)")
            return record
        say(f"{config.title}: has been run{code}; logging the stored result")
    deliver(tracker, record)
    return record


def _is_logged(config: "RunConfig", tracker: "Tracker") -> bool:
    from fewshot_bench.tracking.store import TrackingError

    try:
        return tracker.has(config)
    except TrackingError:  # nobody knows; sending it will show
        return False


def _print_summary(records: "list[RunRecord]", tracking_uri: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from fewshot_bench.tracking.store import redacted

    shots = sorted({r.config.n_shot for r in records})
    first = records[0].config
    episodes = f"{first.n_episodes} {first.split} episodes"
    title = f"{first.dataset}, {first.n_way}-way, {episodes}, accuracy in %"
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
    uri = f" --tracking-uri {redacted(tracking_uri)}" if tracking_uri else ""
    typer.echo(f"Next: 'fsbench table{uri}' compares all runs, 'fsbench ui{uri}' browses them.")
