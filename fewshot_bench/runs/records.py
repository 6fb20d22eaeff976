"""Finished runs as this machine keeps them, and which requests they answered."""

import json
from pathlib import Path

from pydantic import ValidationError

from fewshot_bench.data.store import stored_checksum
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import code_fingerprint
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.request import Request
from fewshot_bench.utilities.files import atomic_file, home, read_text, stable_hash


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
    except (ValidationError, UnicodeDecodeError):
        raise UsageError(f"{path} is damaged; delete it and run again") from None
    if record.config.key != key:
        raise UsageError(f"{path} is the result of another configuration; delete it and run again")
    return record


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
        noted = json.loads(read_text(path)) if path else {}
    except (OSError, ValueError, UsageError):
        return {}
    return noted if isinstance(noted, dict) else {}


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
