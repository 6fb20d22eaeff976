"""Finished runs as this machine keeps them."""

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord, milliseconds, require_sound
from fewshot_bench.utilities.files import atomic_file, home, read_text
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
