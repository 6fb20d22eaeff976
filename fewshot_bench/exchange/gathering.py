"""Finished runs of a store and of result files together: the one way to get at results."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.files import read_results
from fewshot_bench.records import stored_record
from fewshot_bench.results import CurvePoint, RunRecord
from fewshot_bench.tracking.artifacts import stored_elsewhere
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.tracking.reader import load_runs
from fewshot_bench.tracking.record import TrackedRun, age
from fewshot_bench.tracking.store import chosen_uri


class Gathered:
    """Runs, and on request everything that is known of one.

    Args:
        uri: of the store.
        runs: that it holds.
        files: what was read from result files.

    Attributes:
        runs: each once, oldest first; two measurements of one configuration are two runs.

    Raises:
        UsageError: two measurements have one run id.
    """

    def __init__(
        self, uri: str, runs: Sequence[TrackedRun], files: Sequence[Measurement] = ()
    ) -> None:
        self._uri = uri
        self.runs = _each_once([*(each.tracked() for each in files), *runs])
        self._by_id = {run.run_id: run for run in self.runs}
        self._known = {each.record: each for each in files}

    def measurement(self, run_id: str) -> Measurement:
        """Return everything of a run: from a file, this machine's results or the store.

        Args:
            run_id: of one of `runs`.

        Raises:
            UsageError: what is kept of it is damaged, or the store does not answer.
        """
        run = self._by_id[run_id]
        name = run.record or run_id
        if name not in self._known:
            self._known[name] = self._read(run)
        return self._known[name].model_copy(update={"run_id": run_id, "studies": run.studies})

    def accuracies(self, run_id: str) -> NDArray[np.float64]:
        """Return the accuracy of each episode of a run, in the order of the stream.

        Runs with equal ``episode_digest`` have the same episodes: they may be compared in pairs.

        Args:
            run_id: of one of `runs`.

        Returns:
            ``[n_episodes]`` in [0, 1].

        Raises:
            UsageError: as `measurement` does.
        """
        return self.measurement(run_id).accuracies

    def curves(self, run_id: str) -> dict[str, list[CurvePoint]]:
        """Return the curves of the training of a run by name, each in the order of its steps.

        Raises:
            UsageError: as `measurement` does.
        """
        found: dict[str, list[CurvePoint]] = {}
        for point in sorted(self.measurement(run_id).curves, key=lambda point: point.step):
            found.setdefault(point.name, []).append(point)
        return found

    def _read(self, run: TrackedRun) -> Measurement:
        record = _kept(run) or stored_elsewhere(self._uri, run)
        try:
            return Measurement.of(record, run)
        except ValueError as error:
            raise UsageError(f"run {run.run_id} cannot be used: {error}") from None


def gather(uri: str | None = None, files: Sequence[Path] = ()) -> Gathered:
    """Read all finished runs of a store and of files; the same run in several of them is one.

    Args:
        uri: of the store. None: where there are files, no store is read; else the chosen one, see
            `chosen_uri`.
        files: that ``fsbench export`` wrote.

    Raises:
        UsageError: a file is damaged, or the store cannot be used.
    """
    measured = [each for file in files for each in read_results(file)]
    chosen = chosen_uri(uri)
    return Gathered(chosen, load_runs(chosen) if uri or not files else [], measured)


def newest(runs: Iterable[TrackedRun]) -> list[TrackedRun]:
    """Keep of runs of one configuration the one that was measured last."""
    found = {run.key: run for run in sorted(runs, key=age)}
    return sorted(found.values(), key=age)


def _each_once(runs: Iterable[TrackedRun]) -> list[TrackedRun]:
    """Keep one of all runs that are the same measurement, with the studies of all, oldest first.

    The last one stays. Runs of early versions, without id of the measurement, go by their own.
    """
    found: dict[str, TrackedRun] = {}
    names: dict[str, str] = {}
    for run in runs:
        name = names.setdefault(run.run_id, run.record or run.run_id)
        if run.record not in ("", name) and name != run.run_id:
            raise UsageError(f"two results have the run id {run.run_id}: one of them is forged")
        name = run.record if run.record in found else name
        studies = {*run.studies, *(found[name].studies if name in found else ())}
        found[name] = replace(run, studies=tuple(sorted(studies)))
    return sorted(found.values(), key=age)


def _kept(run: TrackedRun) -> RunRecord | None:
    """The record that this machine keeps of a run, if it is of this very measurement."""
    with suppress(UsageError):  # a damaged one is no loss if the store has it
        record = stored_record(run.key)
        if record is not None and record.id == run.record:
            return record
    return None
