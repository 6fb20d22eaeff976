"""Finished runs for the commands that show or write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.cli.printing import print_line

if TYPE_CHECKING:
    from fewshot_bench.exchange.gathering import Gathered
    from fewshot_bench.report.selection import Selection
    from fewshot_bench.tracking.record import TrackedRun


def gathered_runs(
    tracking_uri: str | None, results: Sequence[Path] | None, selection: "Selection"
) -> "tuple[Gathered, list[TrackedRun]]":
    """Gather runs of a store and of files, and choose at least one; say what the store lacks.

    Raises:
        UsageError: there is none, or none that is wanted.
    """
    from fewshot_bench.cli.sync import print_owed
    from fewshot_bench.exchange.gathering import gather
    from fewshot_bench.tracking.store import chosen_uri

    found = gather(tracking_uri, results or ())
    if tracking_uri or not results:
        print_owed(chosen_uri(tracking_uri))  # the store lacks them
    if not (runs := selection.of(found.runs)):
        raise _no_run(tracking_uri, results or ())
    if n_left := selection.smoke_left_out(found.runs):
        print_line(f"smoke runs left out: {n_left}; '--preset smoke' shows them", err=True)
    return found, runs


def _no_run(tracking_uri: str | None, results: Sequence[Path]) -> Exception:
    from fewshot_bench.errors import UsageError
    from fewshot_bench.tracking.store import chosen_uri, naming, store_name

    if results:
        names = ", ".join(map(str, results))
        return UsageError(f"no finished run in {names}; name other files with --results")
    uri = chosen_uri(tracking_uri)
    return UsageError(
        f"no finished run in {store_name(uri)}; make one with 'fsbench run --method ssl-meta "
        f"--shots 1{naming(uri)}', or name another store with --tracking-uri"
    )


def check_place(output: Path | None) -> None:
    """Refuse a place where no file can be made, before the work."""
    from fewshot_bench.utilities.files import require_writable

    if output is not None:
        require_writable(output)
