"""Carrying out what was asked for, in this process, one run after another."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fewshot_bench.config import RunConfig
from fewshot_bench.evaluation.predictions import has_predictions, predictions_path
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.records import recall, remember, stored_record
from fewshot_bench.runs.request import Request
from fewshot_bench.tracking.owed import deliver
from fewshot_bench.tracking.store import StoreAwayError, TrackingError, sqlite_file
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.files import home, require_writable
from fewshot_bench.utilities.locks import cell_lock
from fewshot_bench.utilities.memory import keep_freed_memory
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.signals import interruptible

if TYPE_CHECKING:
    import torch

    from fewshot_bench.runs.plan import Cell, Choice


def carry_out(
    request: Request,
    tracker: Tracker,
    device: str = "auto",
    force: bool = False,
    keep_predictions: bool = False,
) -> list[RunRecord]:
    """Measure all that a request asks for, train what it needs, and log it.

    What has been measured and logged is not measured again, unless with `force`, and then
    answered without loading torch. With `keep_predictions` every single answer is kept and logged,
    too; of runs that a sweep chooses by, none is.

    Raises:
        UsageError: the request cannot be met; then nothing was begun.
        Interrupted: Ctrl-C or SIGTERM came; the same request goes on from the last checkpoint.
    """
    if not force and (records := _recalled(request, tracker, keep_predictions)):
        _caution(record.config for record in records)
        return records
    from fewshot_bench.runs.plan import make_plan
    from fewshot_bench.training.meta_training import config_source
    from fewshot_bench.utilities.devices import pick_device

    keep_freed_memory()
    engine = Engine(tracker, pick_device(device), force, keep_predictions)
    require_writable(home())
    if file := sqlite_file(tracker.uri):
        require_writable(file)
    plan = make_plan(request)
    _caution(plan.configs)
    _warn_if_away(tracker)
    with interruptible():
        records = [engine.measure_cell(cell) for cell in plan.cells]
    remember(request, {c.key: config_source(c) for c in plan.configs})
    return records


@dataclass(frozen=True)
class Engine:
    """This process.

    Attributes:
        tracker: of the store that gets the results.
        device: to compute on.
        force: measure again what has been measured, and make weights of other code anew.
        keep_predictions: keep every single answer of what was asked for.
    """

    tracker: Tracker
    device: "torch.device"
    force: bool = False
    keep_predictions: bool = False

    def measure_cell(self, cell: "Cell") -> RunRecord:
        """Measure a cell, with what val chooses if there is a choice."""
        if not cell.choices:
            return self.measure(cell.config, self.keep_predictions)
        chosen = self._tuning(cell, trial=True)._chosen(cell.choices)
        return self._tuning(cell).measure(chosen.config, self.keep_predictions)

    def _tuning(self, cell: "Cell", trial: bool = False) -> "Engine":
        """Return what logs to the row of a cell whose settings val chooses."""
        return replace(self, tracker=self.tracker.tuning(cell.config, trial))

    def _chosen(self, choices: "tuple[Choice, ...]") -> "Choice":
        """Return the choice that did best on val, the first of equals, and say so."""
        tried = [(self.measure(choice.trial), choice) for choice in choices]
        record, best = max(tried, key=lambda pair: pair[0].result.mean)
        accuracy = f"{100 * record.result.mean:.2f} %"
        words = " ".join(best.settings)
        say(f"{record.config.method}: best of {len(tried)} on val, {accuracy}: {words}")
        return best

    def measure(self, config: RunConfig, keep: bool = False) -> RunRecord:
        """Return the record of a run, by running it unless that has been done, and log it.

        Args:
            config: what to run.
            keep: its predictions, too; by evaluating it again if need be.
        """
        from fewshot_bench.training.meta_training import config_source

        with cell_lock(config.key, config.title):
            record = None if self.force else stored_record(config.key)
            if record is None:
                record = self._run(config, keep)
            elif keep and not has_predictions(record):
                self._repeat(record)
            elif is_logged(config, self.tracker, keep):
                say(f"{_been_run(record, config_source(config))} (--force runs it again)")
                return record
            else:
                say(f"{_been_run(record, config_source(config))}; logging the stored result")
            deliver(self.tracker, record)
            if keep:
                say(f"{config.title}: predictions are in {predictions_path(config.key)}")
            return record

    def _run(self, config: RunConfig, keep: bool) -> RunRecord:
        from fewshot_bench.runs.runner import run

        say(f"{config.title}: running")
        with self.tracker.announced(config) as last:
            return run(config, self.device, self.force, keep, after=last)

    def _repeat(self, record: RunRecord) -> None:
        from fewshot_bench.runs.runner import repeat
        from fewshot_bench.training.meta_training import config_source

        news = _been_run(record, config_source(record.config))
        say(f"{news}; evaluating it again to keep its predictions")
        repeat(record, self.device)


def is_logged(config: RunConfig, tracker: Tracker, predictions: bool = False) -> bool:
    """True if the store is known to hold a finished run, perhaps with predictions, of a cell."""
    try:
        return tracker.has(config, predictions)
    except TrackingError:  # nobody knows; sending it will show
        return False


def _recalled(request: Request, tracker: Tracker, keep: bool) -> list[RunRecord]:
    """Return the records of a request if all of them are here and logged, else none.

    With `keep`, their predictions have to be here and logged, too.
    """
    found = [(stored_record(key), source) for key, source in recall(request).items()]
    kept = [record for record, _ in found if record and (not keep or has_predictions(record))]
    records = [record for record in kept if is_logged(record.config, tracker, keep)]
    if len(records) < len(found):
        return []
    for record, (_, source) in zip(records, found, strict=True):
        say(f"{_been_run(record, source)} (--force runs it again)")
    return records


def _been_run(record: RunRecord, source: str) -> str:
    """Say of a stored record that it is there, given the digest of the code as it is now."""
    changed = record.source not in (None, source)
    code = " by other code of method or backbone" if changed else ""
    return f"{record.config.title}: has been run{code}"


def _caution(configs: Iterable[RunConfig]) -> None:
    """Say, once for all runs alike, what classes are not new and what presets are borrowed."""
    told = list(configs)
    for caution in dict.fromkeys(config.caution for config in told if config.caution):
        say(f"warning: {caution}")
    for borrowing in dict.fromkeys(config.borrowing for config in told if config.borrowing):
        say(borrowing)


def _warn_if_away(tracker: Tracker) -> None:
    """Ask the store before the work begins; one that is away for a while is no reason to stop."""
    try:
        tracker.check()
    except StoreAwayError as error:
        say(f"warning: {error}; until then results are kept here")
