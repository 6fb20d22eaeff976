"""Measuring a cell in this process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from fewshot_bench.config import RunConfig
from fewshot_bench.evaluation.predictions import has_predictions, predictions_path
from fewshot_bench.records import stored_record
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.owed import deliver, is_paid
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.locks import cell_lock
from fewshot_bench.utilities.progress import say

if TYPE_CHECKING:
    import torch

    from fewshot_bench.runs.cells import Cell, Choice


@dataclass(frozen=True, kw_only=True)
class Measuring(ABC):
    """How a cell is measured, wherever its result goes.

    Attributes:
        force: measure again what has been measured, and make weights of other code anew.
        keep_predictions: keep every single answer of what was asked for.
    """

    force: bool = False
    keep_predictions: bool = False

    def measure_cell(self, cell: "Cell") -> RunRecord:
        """Measure a cell, with what val chooses if there is a choice."""
        if not cell.choices:
            return self.measure(cell.config, self.keep_predictions)
        chosen = self._tuning(cell, trial=True)._chosen(cell.choices)
        return self._tuning(cell).measure(chosen.config, self.keep_predictions)

    def _chosen(self, choices: "tuple[Choice, ...]") -> "Choice":
        """Return the choice that did best on val, the first of equals, and say so."""
        tried = [(self.measure(choice.trial), choice) for choice in choices]
        best = best_choice(tried)
        accuracy = f"{100 * max(record.result.mean for record, _ in tried):.2f} %"
        words = " ".join(best.settings)
        say(f"{best.config.method}: best of {len(tried)} on val, {accuracy}: {words}")
        return best

    def measure(self, config: RunConfig, keep: bool = False) -> RunRecord:
        """Return the record of a run, by running it unless that has been done, and file it.

        Args:
            config: what to run.
            keep: its predictions, too; by evaluating it again if need be.
        """
        from fewshot_bench.training.meta_training import config_source

        with cell_lock(config.key, config.title):
            record = None if self.force else self._stored(config)
            if record is None:
                record = self._run(config, keep)
            elif keep and not has_predictions(record):
                self._repeat(record)
            elif self._is_filed(record, keep):
                say(f"{been_run(record, config_source(config))} (--force runs it again)")
                return record
            else:
                say(f"{been_run(record, config_source(config))}; logging the stored result")
            self._file(record, keep)
            if keep:
                say(f"{config.title}: predictions are in {predictions_path(config.key)}")
            return record

    @abstractmethod
    def _tuning(self, cell: "Cell", trial: bool = False) -> Self:
        """Return what files the runs of a cell whose settings val chooses."""

    def _stored(self, config: RunConfig) -> RunRecord | None:
        """Return the record of a run that is done."""
        return stored_record(config.key)

    @abstractmethod
    def _run(self, config: RunConfig, keep: bool) -> RunRecord:
        """Carry a run out, and keep its record in the home."""

    @abstractmethod
    def _repeat(self, record: RunRecord) -> None:
        """Keep the predictions of a run that is done, in the home."""

    @abstractmethod
    def _is_filed(self, record: RunRecord, keep: bool) -> bool:
        """Whether a record is where results go, perhaps with its predictions."""

    @abstractmethod
    def _file(self, record: RunRecord, keep: bool) -> None:
        """Send a record to where results go, perhaps with its predictions."""


@dataclass(frozen=True)
class Engine(Measuring):
    """This process, whose results are logged.

    Attributes:
        tracker: of the store that gets the results.
        device: to compute on.
    """

    tracker: Tracker
    device: "torch.device"

    def _tuning(self, cell: "Cell", trial: bool = False) -> Self:
        return replace(self, tracker=self.tracker.tuning(cell.config, trial))

    def _run(self, config: RunConfig, keep: bool) -> RunRecord:
        from fewshot_bench.runs.runner import run

        say(f"{config.title}: running")
        with self.tracker.announced(config) as last:
            return run(config, self.device, self.force, keep, after=last)

    def _repeat(self, record: RunRecord) -> None:
        from fewshot_bench.runs.runner import repeat
        from fewshot_bench.training.meta_training import config_source

        news = been_run(record, config_source(record.config))
        say(f"{news}; evaluating it again to keep its predictions")
        repeat(record, self.device)

    def _is_filed(self, record: RunRecord, keep: bool) -> bool:
        return is_paid(self.tracker, record, keep)

    def _file(self, record: RunRecord, keep: bool) -> None:
        deliver(self.tracker, record)


def best_choice(tried: "Sequence[tuple[RunRecord, Choice]]") -> "Choice":
    """Return the choice whose trial did best, the first of equals."""
    _, best = max(tried, key=lambda pair: pair[0].result.mean)
    return best


def been_run(record: RunRecord, source: str) -> str:
    """Say of a stored record that it is there, given the digest of the code as it is now."""
    changed = record.source not in (None, source)
    code = " by other code of method or backbone" if changed else ""
    return f"{record.config.title}: has been run{code}"
