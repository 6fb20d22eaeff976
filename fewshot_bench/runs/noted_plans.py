"""What requests amount to, noted on this machine."""

from pathlib import Path

from fewshot_bench.data.store import stored_checksum
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import code_fingerprint
from fewshot_bench.runs.cells import Plan
from fewshot_bench.runs.request import Request
from fewshot_bench.utilities.files import atomic_file, home, read_text, stable_hash


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
