"""What of a plan has been measured and logged before, told without torch."""

from fewshot_bench.evaluation.predictions import has_predictions
from fewshot_bench.records import stored_record
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.cells import Cell, Plan
from fewshot_bench.runs.engine import been_run, best_choice
from fewshot_bench.tracking.owed import is_paid
from fewshot_bench.tracking.writer import Tracker


def known_records(
    plan: Plan, tracker: Tracker | None = None, keep: bool = False
) -> dict[int, RunRecord]:
    """Return the records of the cells that are done, by their place in the plan.

    Args:
        plan: what is asked for.
        tracker: of the store that has to know them; None: it does not matter.
        keep: their predictions have to be here and logged, too.

    Raises:
        UsageError: a file is damaged.
    """
    found = {i: _known(cell, tracker, keep) for i, cell in enumerate(plan.cells)}
    return {i: record for i, record in found.items() if record is not None}


def _known(cell: Cell, tracker: Tracker | None, keep: bool) -> RunRecord | None:
    config = cell.config
    if cell.choices:
        judges = tracker and tracker.tuning(config, trial=True)
        tracker = tracker and tracker.tuning(config)
        tried = [(stored_record(c.trial.key), c) for c in cell.choices]
        known = [(record, c) for record, c in tried if record and _told(record, judges)]
        if len(known) < len(tried):
            return None
        config = best_choice(known).config
    record = stored_record(config.key)
    if record is None or (keep and not has_predictions(record)):
        return None
    return record if _told(record, tracker, keep) else None


def _told(record: RunRecord, tracker: Tracker | None, keep: bool = False) -> bool:
    return tracker is None or is_paid(tracker, record, keep)


def news_of(plan: Plan, record: RunRecord) -> str:
    """Say of a cell that it need not be measured."""
    source = plan.sources.get(record.config.key) or record.source or ""
    return f"{been_run(record, source)} (--force runs it again)"
