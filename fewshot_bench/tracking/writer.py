"""Runs written to a store: announced while they run, sent once when they are done."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import CodeVersion, code_version
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.log import (
    KEPT,
    log_artifacts,
    log_code,
    log_metrics,
    log_params,
    log_predictions,
    log_tags,
)
from fewshot_bench.tracking.order import order_of
from fewshot_bench.tracking.record import flatten
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

    def __getstate__(self) -> dict[str, object]:
        """Another process makes a connection of its own."""
        return {**vars(self), "_connection": None}

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

    def has(self, record: RunRecord, predictions: bool = False) -> bool:
        """True if the store holds the finished run of a measurement.

        A former run of the same configuration does not count: a new one, as by ``--force``, may
        have been kept by a process that was killed before it sent it.

        Args:
            record: of the measurement.
            predictions: whether its predictions have to be there, too.

        Raises:
            TrackingError: the store cannot be used.
        """
        config, kept = record.config, KEPT if predictions else {}
        tags = {"fsbench.key": config.key, "fsbench.record": record.id, **kept}
        file = sqlite_file(self.uri)
        if file and self._connection is None:  # MLflow takes seconds to import
            known = holds_finished(file, config.dataset, tags)
            if known is not None:
                return known
        return bool(self._search(config, "FINISHED", tags))

    @contextmanager
    def announced(self, config: RunConfig) -> Iterator[int]:
        """Show a run as running while the block lasts; an error ends it FAILED, a signal KILLED.

        Hold the lock of the cell. A store that cannot be used is no reason to stop.

        Yields:
            The order of the last run of the configuration in the store; 0 if none is known.
        """
        run_id, last = None, 0
        with suppress(TrackingError), one_line(self.uri), impatient():
            last = max(map(order_of, self._search(config, "FINISHED", {})), default=0)
            run_id = self._open(config, code_version(), datetime.now(UTC))
        try:
            yield last
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with suppress(Exception), impatient():  # the error at hand is the one to show
                if run_id is not None:
                    self.client.set_terminated(run_id, status)
            raise

    def send(self, record: RunRecord) -> None:
        """Write metrics, curves, tags and artifacts of a run and finish it, unless it is there.

        Predictions that are kept of it are written with it, or to the run that is there.
        Hold the lock of the cell. A call that broke off anywhere can be repeated: the run that it
        left open is completed, and nothing is written twice.

        Raises:
            TrackingError: the store cannot be used.
        """
        if done := self._search(record.config, "FINISHED", {"fsbench.record": record.id}):
            self._add_predictions(done[0], record)
            return
        now = datetime.now(UTC)
        finished = int((record.finished or now).timestamp() * 1000)
        with one_line(self.uri), impatient(SENDING_SECONDS):
            code = record.code or code_version()
            run_id = self._open(record.config, code, record.started or now)
            log_metrics(self.client, run_id, record, finished)
            log_tags(self.client, run_id, record)
            log_artifacts(self.client, run_id, record)
            log_predictions(self.client, run_id, record)
            self.client.set_terminated(run_id, "FINISHED", finished)

    def _add_predictions(self, run: "Run", record: RunRecord) -> None:
        """Write what was kept after the run had been sent."""
        if not KEPT.items() <= run.data.tags.items():
            with one_line(self.uri), impatient(SENDING_SECONDS):
                log_predictions(self.client, run.info.run_id, record)

    def _search(self, config: RunConfig, status: str, tags: Mapping[str, str]) -> "Sequence[Run]":
        """Find runs of a configuration that have a status and tags."""
        wanted = {"fsbench.key": config.key, **tags}
        with one_line(self.uri), impatient():
            experiment = self.client.get_experiment_by_name(config.dataset)
            if experiment is None:
                return []
            return self.client.search_runs(
                [experiment.experiment_id],
                f"attributes.status = '{status}' and "
                + " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in wanted.items()),
            )

    def _open(self, config: RunConfig, code: CodeVersion, started: datetime) -> str:
        """Return a running run with all that is known beforehand.

        One that a dead process of this home left behind is taken over; no living process can
        have it, since the lock of the cell is held.
        """
        left = self._search(config, "RUNNING", {"fsbench.home": _home_id()})
        run_id: str = left[0].info.run_id if left else self._create(config, started)
        for run in left[1:]:
            self.client.set_terminated(run.info.run_id, "KILLED")
        log_code(self.client, run_id, code)
        log_params(self.client, run_id, flatten(config.model_dump(mode="json")))
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
