"""Rows and studies in a store: runs above the cells, made and filled by whoever sends a cell.

A row is a line of a paper's table: its cells' numbers at each number of shots, in percent. Nothing
here is read by a table of fsbench, which counts cells alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock

from fewshot_bench.config import RunConfig
from fewshot_bench.results import RunRecord, milliseconds
from fewshot_bench.tracking.log import log_inputs, log_params, log_shares, set_tags
from fewshot_bench.tracking.merging import is_deleted, merge
from fewshot_bench.tracking.notes import NOTE, row_note, study_note
from fewshot_bench.tracking.pictures import log_pictures
from fewshot_bench.tracking.place import KIND, PARENT, ROW, STUDY, Place
from fewshot_bench.tracking.record import flatten
from fewshot_bench.tracking.store import TrackingError, store_name
from fewshot_bench.utilities.files import home, stable_hash

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


ATTEMPTS = 5  # to fill a row that other machines may merge with theirs


class Rows:
    """The rows of an experiment, as seen from one place.

    Args:
        client: of the store.
        uri: of the store.
        experiment_id: MLflow's.
        place: where the runs belong.
    """

    def __init__(self, client: "MlflowClient", uri: str, experiment_id: str, place: Place) -> None:
        self.client, self.experiment_id, self.place = client, experiment_id, place
        self.store = store_name(uri)  # the same from every folder, for the locks

    def opened(self, config: RunConfig, started: int) -> str:
        """Return the id of the row of a run, and of its study, made if need be.

        A row that no study has is given to the one that asks first.

        Args:
            config: of a cell or trial of it.
            started: in ms.
        """
        with self._lock(self.place.row_id(config)):
            row = self._found(config)
            if row is None:
                self._create(config, started)
                row = self._found(config)  # another machine may have made one, too
            if row is None:
                raise TrackingError(f"the row of {config.title} was deleted; log it again")
            return str(row.info.run_id)

    def fill(self, record: RunRecord, finished: int) -> str:
        """Write the numbers of a cell to its row; later measurements take the place of earlier.

        Those of one time are one to MLflow, so a call can be repeated, and of numbers that are
        sent late the later measured stay. A row that another machine merges meanwhile is left for
        the one that stays.

        Args:
            record: of the cell.
            finished: in ms.

        Returns:
            MLflow's id of the row.
        """
        config = record.config
        started = milliseconds(record.started) if record.started else finished
        for _ in range(ATTEMPTS):
            row_id = self.opened(config, started)
            with self._lock(self.place.row_id(config)):
                if self._filled(row_id, record, finished):
                    return row_id
        raise TrackingError(f"other machines keep changing the row of {config.title}; try again")

    def _filled(self, row_id: str, record: RunRecord, finished: int) -> bool:
        """Write to a row, and return whether it is the one that stays."""
        from mlflow.exceptions import MlflowException

        config = record.config
        try:
            if self.client.get_run(row_id).info.status != "FINISHED":
                self._describe(row_id, config)  # whoever made it may have been killed before
            log_shares(self.client, row_id, record)
            answered = log_pictures(self.client, row_id, record)
            self._finish(row_id, record, finished, answered)
        except MlflowException:
            if not is_deleted(self.client, row_id):
                raise
        row = self._found(config)
        return row is not None and row.info.run_id == row_id

    def _finish(self, row_id: str, record: RunRecord, finished: int, answered: bool) -> None:
        config, run = record.config, self.client.get_run(row_id)
        tags = {
            **self.place.row_tags(config, record.id, answered),
            "fsbench.setting": record.result.setting,
        }
        set_tags(self.client, row_id, tags)
        self._tell(row_id, config)
        latest = max(finished, int(run.info.end_time or 0))
        self.client.set_terminated(row_id, "FINISHED", latest)
        parent = run.data.tags.get(PARENT)
        if parent and not is_deleted(self.client, parent):
            self.client.set_terminated(parent, "FINISHED")
        elif parent and self.place.study:  # another machine merged it meanwhile
            set_tags(self.client, row_id, self._study_tags())

    def _tell(self, row_id: str, config: RunConfig) -> None:
        """Describe a row by its numbers.

        Another machine may add to them between reading and writing. Whoever writes looks again, so
        that the last one sees all.
        """
        for _ in range(ATTEMPTS):
            data = self.client.get_run(row_id).data
            note = row_note(self.place.row_of(config), data.metrics, self.place.tuned)
            if data.tags.get(NOTE) == note:
                return
            set_tags(self.client, row_id, {NOTE: note})

    def end(self, config: RunConfig, status: str) -> None:
        """End a row that has no number yet, since its cell ended without one."""
        with self._lock(self.place.row_id(config)):
            row = self._found(config)
            if row and row.info.status == "RUNNING":
                self.client.set_terminated(row.info.run_id, status)

    def _found(self, config: RunConfig) -> "Run | None":
        """Return the row of a run: that of the study if there is one, else one of nobody's.

        Of several that machines made at once the oldest stays.
        """
        study = self.place.study
        rows = self._search(ROW, self.place.row_id(config))
        rows.sort(key=lambda row: STUDY not in row.data.tags)  # those of nobody come last
        ours = [row for row in rows if row.data.tags.get(STUDY) in (None, study)]
        if study is None and rows and rows[0] not in ours:
            ours.insert(0, rows[0])  # a row of some study will do
        if not ours:
            return None
        if len(ours) > 1:
            self._merge(config, *ours)
        if study and STUDY not in ours[0].data.tags:
            set_tags(self.client, ours[0].info.run_id, self._study_tags())
        return ours[0]

    def _merge(self, config: RunConfig, row: "Run", *others: "Run") -> None:
        row_id = row.info.run_id
        merge(self.client, row, others)
        self._describe(row_id, config)
        ends = [int(run.info.end_time or 0) for run in others if run.info.status == "FINISHED"]
        if ends:
            self._tell(row_id, config)
            self.client.set_terminated(row_id, "FINISHED", max(ends))

    def _create(self, config: RunConfig, started: int) -> None:
        place = self.place
        tags = {ROW: place.row_id(config), KIND: "row", **self._common(), **self._study_tags()}
        run = self.client.create_run(self.experiment_id, started, tags, place.row_name(config))
        self._describe(run.info.run_id, config)

    def _describe(self, row_id: str, config: RunConfig) -> None:
        known = {k: v for k, v in self.place.row_facts(config).items() if v is not None}
        log_params(self.client, row_id, flatten(known))
        log_inputs(self.client, row_id, self.place.row_of(config))

    def _study_tags(self) -> dict[str, str]:
        """Tags that put a row into its study, which is made if need be."""
        study = self.place.study
        if study is None:
            return {}
        with self._lock(f"study {study}"):
            if not self._studies():
                self._begin(study)
            first, *others = self._studies()
            merge(self.client, first, others)
            return {STUDY: study, PARENT: str(first.info.run_id)}

    def _studies(self) -> "list[Run]":
        """The run of the study; several, if machines made it at once."""
        runs = self._search(KIND, "study")
        return [run for run in runs if run.data.tags[STUDY] == self.place.study]

    def _begin(self, study: str) -> None:
        tags = {STUDY: study, KIND: "study", **self._common()}
        if self.place.command:
            tags[NOTE] = study_note(study, self.place.command)
        run = self.client.create_run(self.experiment_id, None, tags, study)
        # Finished from the start: what ends a process may come at any moment.
        self.client.set_terminated(run.info.run_id, "FINISHED")

    def _common(self) -> dict[str, str]:
        return {**self.place.tags, "mlflow.source.name": "fsbench"}

    def _search(self, tag: str, value: str) -> "list[Run]":
        """Find runs with a tag, the oldest first; a value of users' own must not be asked for."""
        runs = self.client.search_runs([self.experiment_id], f"tags.`{tag}` = '{value}'")
        return sorted(runs, key=lambda run: (run.info.start_time or 0, run.info.run_id))

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """Hold the right to make or fill a row or study; two processes never make two."""
        key = stable_hash([self.store, self.experiment_id, name])
        path = home() / "locks" / f"row-{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path):
            yield
