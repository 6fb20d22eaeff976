"""Finished runs as this machine keeps them, and which requests they answered."""

import json
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from fewshot_bench.data.store import stored_checksum
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import code_fingerprint
from fewshot_bench.results import RunRecord, milliseconds, require_sound
from fewshot_bench.runs.request import Request
from fewshot_bench.utilities.files import atomic_file, home, read_json, read_text, stable_hash
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


def remember(request: Request, sources: dict[str, str]) -> None:
    """Note which runs answer a request, so that it need not be planned again.

    Args:
        request: without a sweep.
        sources: digest of the code of method and backbone, by the key of each run, in order.
    """
    path = _answers(request)
    if path is not None and not path.exists():
        with atomic_file(path) as partial:
            partial.write_text(json.dumps(sources), "utf-8")


def recall(request: Request) -> dict[str, str]:
    """Return what `remember` noted; nothing if code or data changed since, or it is not readable.

    Planning imports methods, and with them torch; this does not.
    """
    path = _answers(request)
    try:
        noted = read_json(path) if path else {}
    except (OSError, ValueError, UsageError):
        return {}
    return noted if all(isinstance(digest, str) for digest in noted.values()) else {}


def _answers(request: Request) -> Path | None:
    """Where the answer to a request is noted; nowhere if its data are not on this machine.

    Nor if it names a file of weights, which may hold others the next time.
    """
    names = filter(None, (request.dataset, request.train_dataset))
    checksums = [stored_checksum(name) for name in names]
    if None in checksums or request.tune or request.weights:
        return None
    facts = [request.model_dump(mode="json"), checksums, code_fingerprint()]
    return home() / "plans" / f"{stable_hash(facts)}.json"
