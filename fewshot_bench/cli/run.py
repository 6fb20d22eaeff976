"""``fsbench run``: train what is missing, evaluate, log, print a small table."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fewshot_bench.cli import engine_options, options
from fewshot_bench.cli.carrying_out import carry_out
from fewshot_bench.cli.printing import print_text

if TYPE_CHECKING:
    from fewshot_bench.runs.request import Request
    from fewshot_bench.tracking.writer import Tracker


def run(
    methods: options.Methods,
    shots: options.Shots = None,
    datasets: options.Datasets = None,
    train_dataset: options.TrainDataset = None,
    backbones: options.Backbones = None,
    weights: options.Weights = None,
    ways: options.Ways = None,
    n_query: options.Queries = 15,
    query_balances: options.QueryBalances = None,
    n_query_way: options.QueryWays = None,
    n_episodes: options.Episodes = None,
    episode_seed: options.EpisodeSeed = 0,
    seeds: options.Seeds = None,
    backbone_seed: options.BackboneSeed = None,
    preset: options.Preset = "default",
    split: options.Split = "test",
    tune: options.Tune = None,
    settings: options.Settings = None,
    workers: engine_options.Workers = 1,
    engine: engine_options.Engine = "local",
    address: engine_options.Address = "auto",
    store: engine_options.Store = None,
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    experiment: options.Experiment = None,
    tags: options.Tags = None,
    force: options.Force = False,
    keep_predictions: options.KeepPredictions = False,
    dry_run: options.DryRun = False,
) -> None:
    """Measure methods on test episodes, training what they need, and log it to MLflow."""
    given = locals()
    request = _request(given)
    if dry_run:
        _print_plan(request, keep_predictions)
    else:
        carry_out(request, _tracker(tracking_uri, experiment, tags), given)


def _request(given: Mapping[str, Any]) -> "Request":
    """Check the options that are fields of a request; what is None was not given."""
    from fewshot_bench.errors import UsageError
    from fewshot_bench.runs.request import Request
    from fewshot_bench.utilities.validation import validated

    if given["split"] not in ("test", "val") or given["tune"] not in (None, "val"):
        raise UsageError("--split takes test or val, and --tune takes val: never tune on test")
    fields = {k: v for k, v in given.items() if k in Request.model_fields and v is not None}
    return validated(Request, {**fields, "tune": given["tune"] is not None})


def _print_plan(request: "Request", keep_predictions: bool) -> None:
    from fewshot_bench.errors import UsageError
    from fewshot_bench.runs.plan import make_plan

    if keep_predictions:
        raise UsageError("a dry run has no predictions; leave --keep-predictions or --dry-run out")
    configs = [config.model_dump(mode="json") for config in make_plan(request).configs]
    print_text(json.dumps(configs, indent=2, ensure_ascii=False) + "\n")


def _tracker(uri: str | None, experiment: str | None, tags: list[str] | None) -> "Tracker":
    from fewshot_bench.runs.packing import pack
    from fewshot_bench.tracking.place import tags_of
    from fewshot_bench.tracking.writer import Tracker

    return Tracker(uri, experiment=experiment, tags=tags_of(tags or ()), pack=pack)
