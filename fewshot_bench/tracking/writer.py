"""Runs written to a store: announced while they run, sent once when they are done."""

import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import CodeVersion, code_version
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.record import flatten, measured, write_files
from fewshot_bench.tracking.sqlite import holds_finished
from fewshot_bench.tracking.store import (
    TrackingError,
    artifact_folder,
    chosen_uri,
    impatient,
    is_server,
    one_line,
    sqlite_file,
)
from fewshot_bench.utilities.files import home, stable_hash

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# MLflow's pages then open on runs and curves, not on chats and traces.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
# Older MLflow servers refuse longer values; config.json holds them in full.
PARAM_LENGTH = 500
PARAMS_PER_BATCH, METRICS_PER_BATCH = 100, 1000
SENDING_SECONDS = 60  # weights may be large


class Tracker:
    """Writes runs to an MLflow store, one experiment a data set.

    A new sqlite store is made where there is none, its artifacts in ``mlartifacts`` beside it.
    The store is first asked for when it is needed, and every call tries again.

    Args:
        uri: of the store; None means ``$MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db``.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = chosen_uri(uri)
        self._connection: MlflowClient | None = None

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client of the store.

        Raises:
            UsageError: the address is malformed, or the store cannot be used (`TrackingError`)
                or does not answer within seconds (`StoreAwayError`).
        """
        if self._connection is None:
            self._connection = connect(self.uri)
        return self._connection

    def check(self) -> None:
        """Ask the store for the first time, before any work is done for it.

        Raises:
            UsageError: as `client` does.
        """
        assert self.client is not None

    def has(self, config: RunConfig) -> bool:
        """True if the store holds a finished run of the configuration.

        Raises:
            TrackingError: the store cannot be used.
        """
        file = sqlite_file(self.uri)
        if file and self._connection is None:  # MLflow takes seconds to import
            known = holds_finished(file, config.dataset, config.key)
            if known is not None:
                return known
        return bool(self._search(config, "FINISHED", "fsbench.key", config.key))

    @contextmanager
    def announced(self, config: RunConfig) -> Iterator[None]:
        """Show a run as running while the block lasts; an error ends it FAILED, a signal KILLED.

        Hold the lock of the cell. A store that cannot be used is no reason to stop.
        """
        run_id = None
        with suppress(TrackingError), one_line(self.uri), impatient():
            run_id = self._open(config, code_version(), datetime.now(UTC))
        try:
            yield
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with suppress(Exception), impatient():  # the error at hand is the one to show
                if run_id is not None:
                    self.client.set_terminated(run_id, status)
            raise

    def send(self, record: RunRecord) -> None:
        """Write metrics, curves, tags and artifacts of a run and finish it, unless it is there.

        Hold the lock of the cell. A call that broke off anywhere can be repeated: the run that it
        left open is completed, and nothing is written twice.

        Raises:
            TrackingError: the store cannot be used.
        """
        if self._search(record.config, "FINISHED", "fsbench.record", record.id):
            return
        now = datetime.now(UTC)
        finished = int((record.finished or now).timestamp() * 1000)
        with one_line(self.uri), impatient(SENDING_SECONDS):
            code = record.code or code_version()
            run_id = self._open(record.config, code, record.started or now)
            _log_metrics(self.client, run_id, record, finished)
            _log_tags(self.client, run_id, record)
            _log_artifacts(self.client, run_id, record)
            self.client.set_terminated(run_id, "FINISHED", finished)

    def _search(self, config: RunConfig, status: str, tag: str, value: str) -> "Sequence[Run]":
        with one_line(self.uri), impatient():
            experiment = self.client.get_experiment_by_name(config.dataset)
            if experiment is None:
                return []
            return self.client.search_runs(
                [experiment.experiment_id],
                f"attributes.status = '{status}' and tags.`{tag}` = '{value}' "
                f"and tags.`fsbench.key` = '{config.key}'",
            )

    def _open(self, config: RunConfig, code: CodeVersion, started: datetime) -> str:
        """Return a running run with all that is known beforehand.

        One that a dead process of this home left behind is taken over; no living process can
        have it, since the lock of the cell is held.
        """
        left = self._search(config, "RUNNING", "fsbench.home", _home_id())
        run_id: str = left[0].info.run_id if left else self._create(config, started)
        for run in left[1:]:
            self.client.set_terminated(run.info.run_id, "KILLED")
        _log_code(self.client, run_id, code)
        _log_params(self.client, run_id, flatten(config.model_dump(mode="json")))
        return run_id

    def _create(self, config: RunConfig, started: datetime) -> str:
        name = f"{config.method} {config.network} {config.n_shot}-shot seed {config.seed}"
        name += f", trained on {config.train_dataset}" if config.train_dataset else ""
        tags = {
            "fsbench.key": config.key,
            "fsbench.data_checksum": config.data_checksum,
            "fsbench.home": _home_id(),
            "mlflow.source.name": "fsbench run",
        }
        run = self.client.create_run(
            self._experiment(config.dataset), int(started.timestamp() * 1000), tags, name
        )
        return str(run.info.run_id)

    def _experiment(self, dataset: str) -> str:
        """Return the id of the data set's experiment, made if need be."""
        from mlflow.exceptions import MlflowException

        experiment = self.client.get_experiment_by_name(dataset)
        if experiment is None:
            location = None if is_server(self.uri) else artifact_folder(self.uri).as_uri()
            # Another process may make it at the same moment.
            with suppress(MlflowException):
                return str(self.client.create_experiment(dataset, location, EXPERIMENT_TAGS))
            experiment = self.client.get_experiment_by_name(dataset)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            number = experiment.experiment_id if experiment else "ID"
            raise UsageError(
                f"the experiment '{dataset}' cannot be written; if it was deleted, get it back "
                f"with 'mlflow experiments restore -x {number}'"
            )
        return str(experiment.experiment_id)


def _home_id() -> str:
    """Which processes share locks with this one: those of the same machine and home."""
    return stable_hash([platform.node(), str(home().resolve())])


def _log_code(client: "MlflowClient", run_id: str, code: CodeVersion) -> None:
    tags = {"fsbench.version": str(code)}
    if code.commit:
        tags["mlflow.source.git.commit"] = code.commit
        tags["fsbench.dirty"] = str(code.dirty).lower()
    _set_tags(client, run_id, tags)


def _log_params(client: "MlflowClient", run_id: str, values: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    params = [Param(name, value[:PARAM_LENGTH]) for name, value in values.items()]
    for batch in _batches(params, PARAMS_PER_BATCH):
        client.log_batch(run_id, params=batch)


def _log_metrics(client: "MlflowClient", run_id: str, record: RunRecord, time: int) -> None:
    """Log all numbers under one `time`, in ms: MLflow then keeps one of equal points."""
    from mlflow.entities import Metric

    metrics = [Metric(p.name, p.value, time, p.step) for p in record.curves]
    metrics += [Metric(name, value, time, 0) for name, value in measured(record).items()]
    for batch in _batches(metrics, METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch)


def _log_tags(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    result = record.result
    tags = {
        "fsbench.record": record.id,
        "fsbench.setting": result.setting,
        "fsbench.episode_digest": result.episode_digest,
        "fsbench.device": result.device,
        **{f"fsbench.version.{name}": value for name, value in result.versions.items()},
    }
    _set_tags(client, run_id, tags)


def _set_tags(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def _log_artifacts(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_files(record, Path(name))
        client.log_artifacts(run_id, name)
    if record.checkpoint and Path(record.checkpoint).exists():  # old results outlive weights
        client.log_artifact(run_id, record.checkpoint)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
