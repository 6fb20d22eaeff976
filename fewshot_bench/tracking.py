"""Runs in MLflow: written by `Tracker`, read by `load_runs`. No other file imports mlflow."""

import json
import logging
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from fewshot_bench.code_version import code_version
from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.storage import atomic_file, home, stable_hash
from fewshot_bench.tracking_record import TrackedRun, flatten, measured, write_files
from fewshot_bench.tracking_store import (
    artifact_folder,
    check_answers,
    check_database,
    chosen_uri,
    impatient,
    is_server,
    one_line,
    sqlite_file,
    without_collector,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

__all__ = ["ActiveRun", "TrackedRun", "Tracker", "load_runs"]

# MLflow's pages then open on runs and curves, not on chats and traces.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
# Older MLflow servers refuse longer values; config.json holds them in full.
PARAM_LENGTH = 500
PARAMS_PER_BATCH, METRICS_PER_BATCH, RUNS_PER_PAGE = 100, 1000, 1000


class Tracker:
    """Writes runs to an MLflow store, one experiment a data set.

    A new sqlite store is made where there is none, its artifacts in ``mlartifacts`` beside it.

    Args:
        uri: of the store; None means ``$MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db``.

    Raises:
        UsageError: the address is malformed, or the store does not answer within seconds.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = chosen_uri(uri)
        self._client = _connect(self.uri)

    def find(self, key: str, dataset: str) -> TrackedRun | None:
        """Return the latest finished run of the configuration `key`, if there is one."""
        with one_line(self.uri), impatient():
            experiment = self._client.get_experiment_by_name(dataset)
            if experiment is None:
                return None
            found = self._client.search_runs(
                [experiment.experiment_id],
                f"attributes.status = 'FINISHED' and tags.`fsbench.key` = '{key}'",
                max_results=1,
                order_by=["attributes.start_time DESC"],
            )
        return _tracked(found[0]) if found else None

    def end_stale(self, config: RunConfig) -> None:
        """Mark as killed what a dead process of this machine left as running.

        Call it with the lock of the cell held: then no living process can be running it.
        """
        with one_line(self.uri), impatient():
            experiment = self._client.get_experiment_by_name(config.dataset)
            if experiment is None:
                return
            stale = self._client.search_runs(
                [experiment.experiment_id],
                f"attributes.status = 'RUNNING' and tags.`fsbench.key` = '{config.key}' "
                f"and tags.`fsbench.home` = '{_home_id()}'",
            )
            for run in stale:
                self._client.set_terminated(run.info.run_id, "KILLED")

    @contextmanager
    def run(self, config: RunConfig) -> Iterator["ActiveRun"]:
        """Open a run; it ends FINISHED if a record was logged.

        Any exception ends it FAILED, Ctrl-C KILLED, and is passed on.
        """
        active = ActiveRun(self._client, self.uri, self._start(config), config)
        try:
            yield active
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with suppress(Exception), impatient():  # the error at hand is the one to show
                self._client.set_terminated(active.id, status)
            raise
        with one_line(self.uri):
            self._client.set_terminated(active.id, "FINISHED" if active.logged else "FAILED")

    def _start(self, config: RunConfig) -> str:
        """Create the run with everything that is known beforehand; return its id."""
        version = code_version()
        name = f"{config.method} {config.backbone} {config.n_shot}-shot seed {config.seed}"
        tags = {
            "fsbench.key": config.key,
            "fsbench.version": str(version),
            "fsbench.data_checksum": config.data_checksum,
            "fsbench.home": _home_id(),
            "mlflow.source.name": "fsbench run",
        }
        if version.commit:
            tags["mlflow.source.git.commit"] = version.commit
            tags["fsbench.dirty"] = str(version.dirty).lower()
        with one_line(self.uri), impatient():
            run = self._client.create_run(
                self._experiment(config.dataset), run_name=name, tags=tags
            )
            run_id: str = run.info.run_id
            _log_params(self._client, run_id, flatten(config.model_dump(mode="json")))
        return run_id

    def _experiment(self, dataset: str) -> str:
        """Return the id of the data set's experiment, made if need be."""
        from mlflow.exceptions import MlflowException

        experiment = self._client.get_experiment_by_name(dataset)
        if experiment is None:
            location = None if is_server(self.uri) else artifact_folder(self.uri).as_uri()
            # Another process may make it at the same moment.
            with suppress(MlflowException):
                return str(self._client.create_experiment(dataset, location, EXPERIMENT_TAGS))
            experiment = self._client.get_experiment_by_name(dataset)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            number = experiment.experiment_id if experiment else "ID"
            raise UsageError(
                f"the experiment '{dataset}' cannot be written; if it was deleted, get it back "
                f"with 'mlflow experiments restore -x {number}'"
            )
        return str(experiment.experiment_id)


class ActiveRun:
    """An open run, to which one record is logged.

    Attributes:
        id: MLflow's id.
        logged: whether the record has been written completely.
    """

    def __init__(self, client: "MlflowClient", uri: str, run_id: str, config: RunConfig) -> None:
        self.id, self.logged = run_id, False
        self._client, self._uri, self._config = client, uri, config

    def log(self, record: RunRecord) -> None:
        """Write metrics, curves, tags and artifacts of the run.

        Raises:
            ValueError: the record is another configuration's.
            UsageError: the store refuses or does not answer.
        """
        if record.config.key != self._config.key:
            raise ValueError("the record belongs to another configuration than the run")
        with one_line(self._uri):
            _log_metrics(self._client, self.id, record)
            _log_tags(self._client, self.id, record)
            _log_artifacts(self._client, self.id, record)
        self.logged = True


def load_runs(uri: str | None = None) -> list[TrackedRun]:
    """Read all finished runs that fsbench wrote, oldest first; a missing sqlite file has none.

    Raises:
        UsageError: the address is malformed, or the store does not answer within seconds.
    """
    uri = chosen_uri(uri)
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return []
    client = _connect(uri)
    with one_line(uri), without_collector():
        experiments = [e.experiment_id for e in _pages(client.search_experiments)]
        query = "attributes.status = 'FINISHED' and tags.`fsbench.key` != ''"
        runs = [_tracked(run) for run in _pages(client.search_runs, experiments, query)]
    return sorted(runs, key=lambda run: (run.started, run.run_id))


def _home_id() -> str:
    """Which processes share locks with this one: those of the same machine and home."""
    return stable_hash([platform.node(), str(home().resolve())])


def _pages(search: Any, *arguments: Any) -> Iterator[Any]:
    """Yield the results of all pages of a search."""
    token = None
    while True:
        page = search(*arguments, max_results=RUNS_PER_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _tracked(run: "Run") -> TrackedRun:
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
        n_episodes=int(params["n_episodes"]),
        split=params["split"],
        seed=int(params["seed"]),
        preset=params["preset"],
        settings=tuple(json.loads(params["settings"])),
        recipe={k.removeprefix("recipe."): v for k, v in params.items() if k.startswith("recipe.")},
        mean=metrics[f"acc_{shot}shot"],
        ci95=metrics[f"ci95_{shot}shot"],
        train_seconds=metrics["train_seconds"],
        ms_per_episode=metrics["ms_per_episode"],
        data_checksum=tags["fsbench.data_checksum"],
        episode_digest=tags["fsbench.episode_digest"],
        version=tags["fsbench.version"],
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        finished=datetime.fromtimestamp(info.end_time / 1000, UTC),
    )


def _log_params(client: "MlflowClient", run_id: str, values: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    params = [Param(name, value[:PARAM_LENGTH]) for name, value in values.items()]
    for batch in _batches(params, PARAMS_PER_BATCH):
        client.log_batch(run_id, params=batch)


def _log_metrics(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(p.name, p.value, now, p.step) for p in record.curves]
    metrics += [Metric(name, value, now, 0) for name, value in measured(record).items()]
    for batch in _batches(metrics, METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch)


def _log_tags(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    from mlflow.entities import RunTag

    result = record.result
    tags = {
        "fsbench.setting": result.setting,
        "fsbench.episode_digest": result.episode_digest,
        "fsbench.device": result.device,
        **{f"fsbench.version.{name}": value for name, value in result.versions.items()},
    }
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def _log_artifacts(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_files(record, Path(name))
        client.log_artifacts(run_id, name)
    if record.checkpoint:
        client.log_artifact(run_id, record.checkpoint)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _connect(uri: str) -> "MlflowClient":
    """Return a client of a store that answers; a new sqlite file is made complete or not at all."""
    check_answers(uri)
    file = sqlite_file(uri)
    with one_line(uri), impatient():
        if file is not None and not file.exists():
            _create_sqlite(file)
        elif file is None and not is_server(uri):
            check_database(uri)
        # MLflow keeps a connection for each address, whatever folder it was relative to.
        client = _client(f"sqlite:///{file}" if file else uri)
        client.search_experiments(max_results=1)
    return client


def _client(uri: str) -> "MlflowClient":
    # Set before the import: MLflow reads some of these then. Nothing may phone home.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    from mlflow import MlflowClient

    # What goes wrong is raised as well, and its log may show a password.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MlflowClient(tracking_uri=uri)


def _create_sqlite(file: Path) -> None:
    lock = home() / "locks" / f"{stable_hash(str(file))}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not file.exists():
            with atomic_file(file) as partial:
                _client(f"sqlite:///{partial}").search_experiments(max_results=1)
