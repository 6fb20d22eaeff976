"""Finished runs, read from a store."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from math import nan
from typing import TYPE_CHECKING, Any

from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.tracking.store import chosen_uri, one_line, sqlite_file

if TYPE_CHECKING:
    from mlflow.entities import Run

RUNS_PER_PAGE = 1000


def load_runs(uri: str | None = None) -> list[TrackedRun]:
    """Read all finished runs that fsbench wrote, oldest first; a missing sqlite file has none.

    Raises:
        UsageError: the address is malformed, or the store does not answer within seconds.
    """
    uri = chosen_uri(uri)
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return []
    client = connect(uri)
    with one_line(uri):
        experiments = [e.experiment_id for e in _pages(client.search_experiments)]
        query = "attributes.status = 'FINISHED' and tags.`fsbench.key` != ''"
        runs = [tracked(run) for run in _pages(client.search_runs, experiments, query)]
    return sorted(runs, key=lambda run: (run.started, run.run_id))


def _pages(search: Any, *arguments: Any) -> Iterator[Any]:
    """Yield the results of all pages of a search."""
    token = None
    while True:
        page = search(*arguments, max_results=RUNS_PER_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def tracked(run: "Run") -> TrackedRun:
    """Translate MLflow's run."""
    params, tags, metrics, info = run.data.params, run.data.tags, run.data.metrics, run.info
    shot = int(params["n_shot"])
    return TrackedRun(
        run_id=info.run_id,
        key=tags["fsbench.key"],
        setting=tags["fsbench.setting"],
        n_shot=shot,
        method=params["method"],
        backbone=params["backbone"],
        dataset=params["dataset"],
        n_way=int(params["n_way"]),
        n_query=int(params["n_query"]),
        query_balance=params["query_balance"],
        n_query_way=int(json.loads(params.get("n_query_way", "null")) or 0),
        n_episodes=int(params["n_episodes"]),
        split=params["split"],
        seed=int(params["seed"]),
        preset=params["preset"],
        settings=tuple(json.loads(params["settings"])),
        recipe={k.removeprefix("recipe."): v for k, v in params.items() if k.startswith("recipe.")},
        mean=metrics[f"acc_{shot}shot"],
        ci95=metrics[f"ci95_{shot}shot"],
        macro_f1=metrics.get(f"macro_f1_{shot}shot", nan),
        macro_f1_ci95=metrics.get(f"macro_f1_ci95_{shot}shot", nan),
        calibration_error=metrics.get(f"ece_{shot}shot", nan),
        train_seconds=metrics["train_seconds"],
        ms_per_episode=metrics["ms_per_episode"],
        data_checksum=tags["fsbench.data_checksum"],
        episode_digest=tags["fsbench.episode_digest"],
        version=tags["fsbench.version"],
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        finished=datetime.fromtimestamp(info.end_time / 1000, UTC),
    )
