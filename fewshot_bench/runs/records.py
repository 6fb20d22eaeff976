"""Finished runs as this machine keeps them, and what requests amount to."""

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from fewshot_bench.data.store import stored_checksum
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import code_fingerprint
from fewshot_bench.results import RunRecord, milliseconds, require_sound
from fewshot_bench.runs.cells import Plan
from fewshot_bench.runs.request import Request
from fewshot_bench.utilities.files import atomic_file, home, read_text, stable_hash
from fewshot_bench.utilities.validation import first_of


def record_path(key: str) -> Path:
    """Where the record of a configuration is kept."""
    return home() / "results" / f"{key}.json"


def keep_record(record: RunRecord) -> None:
    """Keep what was measured, in place of what was there."""
    with atomic_file(record_path(record.config.key)) as partial:
        partial.write_text(record.model_dump_json(), "utf-8")


def stored_record(key: str) -> RunRecord | None:
    """Return the locally kept record of a configuration, if it has been run.

    Raises:
        UsageError: the file is damaged.
    """
    path = record_path(key)
    if not path.exists():
        return None
    try:
        record = RunRecord.model_validate_json(read_text(path))
        require_sound(record)
    except (ValueError, UsageError) as error:
        reason = first_of(error) if isinstance(error, ValidationError) else error
        raise UsageError(f"{path} is damaged ({reason}); delete it and run again") from None
    if record.config.key != key:
        raise UsageError(f"{path} is the result of another configuration; delete it and run again")
    return record


def next_order(key: str, started: datetime, after: int) -> int:
    """Order of a measurement, later than another and than the record that is kept.

    Args:
        key: of the configuration.
        started: when it was begun, which counts unless the clock was set back.
        after: order of the other.
    """
    try:
        former = stored_record(key)
    except UsageError:  # it is about to be replaced
        former = None
    return max(milliseconds(started), after + 1, former.place + 1 if former else 0)


def remember(request: Request, plan: Plan) -> None:
    """Note what a request amounts to, so that it need not be planned again."""
    path = _plan_path(request)
    if path is not None and not path.exists():
        with atomic_file(path) as partial:
            partial.write_text(plan.model_dump_json(), "utf-8")


def recall(request: Request) -> Plan | None:
    """Return what `remember` noted; None if code or data changed since, or it is not readable.

    Planning imports methods, and with them torch; this does not.
    """
    path = _plan_path(request)
    try:
        return Plan.model_validate_json(read_text(path)) if path else None
    except (OSError, ValueError, UsageError):
        return None


def _plan_path(request: Request) -> Path | None:
    """Where the plan of a request is noted; nowhere if its data are not on this machine.

    Nor if it names a file of weights, which may hold others the next time.
    """
    names = filter(None, (*request.datasets, request.train_dataset))
    checksums = [stored_checksum(name) for name in names]
    if None in checksums or request.weights:
        return None
    asked = request.model_dump(mode="json", include=set(Request.model_fields))
    facts = [asked, checksums, code_fingerprint()]
    return home() / "plans" / f"{stable_hash(facts)}.json"
