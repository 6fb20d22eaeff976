"""``fsbench run``: train what is missing, evaluate, log, print a small table."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.printing import print_line, print_table, print_text
from fewshot_bench.cli.sync import print_owed

if TYPE_CHECKING:
    from fewshot_bench.results import RunRecord
    from fewshot_bench.runs.request import Request
    from fewshot_bench.tracking.writer import Tracker


def run(
    methods: options.Methods,
    shots: options.Shots = None,
    dataset: options.Dataset = "glyphs",
    train_dataset: options.TrainDataset = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    n_way: options.Ways = 5,
    n_query: options.Queries = 15,
    query_balance: options.QueryBalance = "balanced",
    n_query_way: options.QueryWays = None,
    n_episodes: options.Episodes = None,
    episode_seed: options.EpisodeSeed = 0,
    seed: options.Seed = 0,
    preset: options.Preset = "default",
    split: options.Split = "test",
    tune: options.Tune = None,
    settings: options.Settings = None,
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    experiment: options.Experiment = None,
    tags: options.Tags = None,
    force: options.Force = False,
    keep_predictions: options.KeepPredictions = False,
    dry_run: options.DryRun = False,
) -> None:
    """Measure methods on test episodes, training what they need, and log it to MLflow."""
    request = _request(locals())
    if dry_run:
        _print_plan(request, keep_predictions)
    else:
        tracker = _tracker(tracking_uri, experiment, tags)
        records = _carry_out(request, tracker, device, force, keep_predictions)
        _print_summary(records, tracker.uri if tracking_uri else None)
        print_owed(tracker.uri)


def _request(given: Mapping[str, Any]) -> "Request":
    """Check the options that are fields of a request; what is None was not given."""
    from fewshot_bench.errors import UsageError
    from fewshot_bench.runs.request import Request
    from fewshot_bench.utilities.validation import validated

    if given["split"] not in ("test", "val") or given["tune"] not in (None, "val"):
        raise UsageError("--split takes test or val, and --tune takes val: never tune on test")
    fields = {name: given[name] for name in Request.model_fields if given[name] is not None}
    return validated(Request, {**fields, "tune": given["tune"] is not None})


def _print_plan(request: "Request", keep_predictions: bool) -> None:
    from fewshot_bench.errors import UsageError
    from fewshot_bench.runs.plan import make_plan

    if keep_predictions:
        raise UsageError("a dry run has no predictions; leave --keep-predictions or --dry-run out")
    configs = [config.model_dump(mode="json") for config in make_plan(request).configs]
    print_text(json.dumps(configs, indent=2, ensure_ascii=False) + "\n")


def _tracker(uri: str | None, experiment: str | None, tags: list[str] | None) -> "Tracker":
    from fewshot_bench.tracking.place import tags_of
    from fewshot_bench.tracking.writer import Tracker

    return Tracker(uri, experiment=experiment, tags=tags_of(tags or ()))


def _carry_out(
    request: "Request", tracker: "Tracker", device: str, force: bool, keep_predictions: bool
) -> "list[RunRecord]":
    from fewshot_bench.runs.engine import carry_out
    from fewshot_bench.utilities.signals import Interrupted

    try:
        return carry_out(request, tracker, device, force, keep_predictions)
    except Interrupted as interrupted:
        typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + interrupted.signal) from None


def _print_summary(records: "list[RunRecord]", tracking_uri: str | None) -> None:
    from rich.table import Table

    from fewshot_bench.tracking.store import store_name

    shots = sorted({r.config.n_shot for r in records})
    first = records[0].config
    episodes = f"{first.n_episodes} {first.split} episodes"
    origin = f", trained on {first.train_dataset}" if first.train_dataset else ""
    title = f"{first.dataset}{origin}, {first.n_way}-way, {episodes}, accuracy in %"
    table = Table(title=title, title_justify="left")
    for heading in ("method", "backbone", "setting"):
        table.add_column(heading)
    for k in shots:
        table.add_column(f"{k}-shot", justify="right")
    rows = []
    for name in dict.fromkeys(r.config.method for r in records):
        mine = {r.config.n_shot: r.result for r in records if r.config.method == name}
        cells = [f"{100 * mine[k].mean:.2f} ± {100 * mine[k].ci95:.2f}" for k in shots]
        rows.append((name, first.network, next(iter(mine.values())).setting, *cells))
    print_table(table, rows)
    uri = f" --tracking-uri {store_name(tracking_uri)}" if tracking_uri else ""
    print_line(f"Next: 'fsbench table{uri}' compares all runs, 'fsbench ui{uri}' browses them.")
