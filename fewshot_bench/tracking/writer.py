"""Runs written to a store: announced while they run, sent once when they are done."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion, code_version
from fewshot_bench.results import RunRecord, milliseconds
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.experiments import experiment_id, runs_with
from fewshot_bench.tracking.log import KEPT, log_code, log_params, log_predictions, set_tags
from fewshot_bench.tracking.merging import is_deleted
from fewshot_bench.tracking.models import Pack
from fewshot_bench.tracking.notes import NOTE, cell_note
from fewshot_bench.tracking.order import order_of
from fewshot_bench.tracking.place import KIND, PARENT, Place, checked_name, home_id
from fewshot_bench.tracking.record import flatten
from fewshot_bench.tracking.rows import Rows
from fewshot_bench.tracking.sending import write_run
from fewshot_bench.tracking.sqlite import holds_finished
from fewshot_bench.tracking.store import (
    TrackingError,
    chosen_uri,
    impatient,
    one_line,
    sqlite_file,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SENDING_SECONDS = 60  # weights may be large


class Tracker:
    """Writes runs to an MLflow store: cells, each below the row that it is a number of.

    A new sqlite store is made where there is none, its artifacts in ``mlartifacts`` beside it.
    The store is first asked for when it is needed, and every call tries again.

    Args:
        uri: of the store; None means ``$MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db``.
        experiment: of MLflow; None: the name of the study, else that of the data set.
        study: name of the study whose rows they are, which has a run of its own above them.
        command: that makes the study again.
        tags: of a user's own, for every run.
        pack: writes the method of a run as it is to be logged, see `Pack`; without it, runs have
            their weights alone.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        experiment: str | None = None,
        study: str | None = None,
        command: str | None = None,
        tags: Mapping[str, str] | None = None,
        pack: Pack | None = None,
    ) -> None:
        self.uri = chosen_uri(uri)
        self.place = Place(
            experiment=checked_name(experiment, "an experiment"),
            study=checked_name(study, "a study"),
            command=command,
            tags=dict(tags or {}),
        )
        self._pack = pack
        self._connection: MlflowClient | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connection to this process."""
        return {**self.__dict__, "_connection": None}

    def at(self, place: Place) -> "Tracker":
        """Return what writes to the same store in another place."""
        other = Tracker(self.uri, pack=self._pack)
        other.place, other._connection = place, self._connection
        return other

    def tuning(self, asked: RunConfig, trial: bool = False) -> "Tracker":
        """Return what writes the runs of a cell whose settings are chosen on val.

        Args:
            asked: the cell as it was asked for; its row is that of all these runs.
            trial: whether the runs are those on val that judge settings.
        """
        return self.at(self.place.model_copy(update={"asked": asked, "trial": trial}))

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
        """True if the store holds the finished run of a measurement, and its number in its row.

        A former run of the configuration does not count: who measured anew may have been killed.

        Args:
            record: of the measurement.
            predictions: whether its predictions have to be there, too.

        Raises:
            TrackingError: the store cannot be used.
        """
        config, kept = record.config, KEPT if predictions else {}
        record_id = record.id  # a hash of all accuracies
        cell = {"fsbench.key": config.key, "fsbench.record": record_id}
        wanted = [{**cell, **kept, **self.place.tags}]
        if not self.place.trial:  # it has no number in its row
            wanted.append(self.place.row_tags(config, record_id, predictions))
        return all(self._holds(config, tags) for tags in wanted)

    def _holds(self, config: RunConfig, tags: Mapping[str, str]) -> bool:
        file = sqlite_file(self.uri)
        if file and self._connection is None:  # MLflow takes seconds to import
            known = holds_finished(file, self.place.experiment_of(config), tags)
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
            last = max(map(order_of, self._cells(config, "FINISHED", {})), default=0)
            run_id = self._open(config, code_version(), datetime.now(UTC))
        try:
            yield last
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with suppress(Exception), impatient():  # the error at hand is the one to show
                if run_id is not None:
                    self.client.set_terminated(run_id, status)
                    self._rows(config).end(config, status)
            raise

    def send(self, record: RunRecord) -> None:
        """Write metrics, curves, tags and artifacts of a run and finish it, unless it is there.

        Predictions that are kept of it are written with it, or to the run that is there.
        Hold the lock of the cell. A call that broke off anywhere can be repeated: the run that it
        left open is completed, and nothing is written twice.

        Raises:
            TrackingError: the store cannot be used.
        """
        now = datetime.now(UTC)
        finished = milliseconds(record.finished or now)
        done = self._cells(record.config, "FINISHED", {"fsbench.record": record.id})
        with one_line(self.uri), impatient(SENDING_SECONDS):
            if done:
                run_id = self._complete(done[0], record)
            else:
                code, started = record.code or code_version(), record.started or now
                run_id = self._open(record.config, code, started)
                pack = None if self.place.trial else self._pack  # a trial's method nobody wants
                write_run(self.client, run_id, record, finished, pack)
            if not self.place.trial:
                self._rows(record.config).fill(record, finished)
            self._require_row(run_id, record.config)

    def _complete(self, run: "Run", record: RunRecord) -> str:
        """Write what came after a run had been sent: predictions, and rows."""
        if not KEPT.items() <= run.data.tags.items():
            log_predictions(self.client, run.info.run_id, record)
        news = dict(self.place.tags)
        if PARENT not in run.data.tags:  # of an earlier version
            row_id = self._rows(record.config).opened(record.config, run.info.start_time)
            news |= {PARENT: row_id, KIND: self.place.kind}
        set_tags(self.client, run.info.run_id, news)
        return str(run.info.run_id)

    def _require_row(self, run_id: str, config: RunConfig) -> None:
        """Put a run below the row that is left, if another machine merged its own meanwhile."""
        run = self.client.get_run(run_id)
        if is_deleted(self.client, run.data.tags[PARENT]):
            row_id = self._rows(config).opened(config, run.info.start_time)
            self.client.set_tag(run_id, PARENT, row_id)

    def _cells(self, config: RunConfig, status: str, tags: Mapping[str, str]) -> "Sequence[Run]":
        """Find runs of a configuration that have a status and tags."""
        return self._search(config, status, {"fsbench.key": config.key, **tags})

    def _search(self, config: RunConfig, status: str, tags: Mapping[str, str]) -> "Sequence[Run]":
        """Find runs in the experiment of a configuration that have a status and tags."""
        with one_line(self.uri), impatient():
            return runs_with(self.client, self.place.experiment_of(config), status, tags)

    def _rows(self, config: RunConfig) -> Rows:
        return Rows(self.client, self.uri, self._experiment(config), self.place)

    def _open(self, config: RunConfig, code: CodeVersion, started: datetime) -> str:
        """Return a running run with all that is known beforehand.

        One that a dead process of this home left behind is taken over; no living process can
        have it, since the lock of the cell is held.
        """
        left = self._cells(config, "RUNNING", {"fsbench.home": home_id()})
        run_id: str = left[0].info.run_id if left else self._create(config, started)
        for run in left[1:]:
            self.client.set_terminated(run.info.run_id, "KILLED")
        log_code(self.client, run_id, code)
        log_params(self.client, run_id, flatten(config.model_dump(mode="json")))
        return run_id

    def _create(self, config: RunConfig, started: datetime) -> str:
        begun = milliseconds(started)
        tags = {
            **self.place.tags,
            "fsbench.key": config.key,
            "fsbench.data_checksum": config.data_checksum,
            "fsbench.home": home_id(),
            "mlflow.source.name": "fsbench run",
            NOTE: cell_note(config),
            KIND: self.place.kind,
            PARENT: self._rows(config).opened(config, begun),
        }
        name = self.place.name_of(config)
        run = self.client.create_run(self._experiment(config), begun, tags, name)
        return str(run.info.run_id)

    def _experiment(self, config: RunConfig) -> str:
        return experiment_id(self.client, self.uri, self.place.experiment_of(config))
