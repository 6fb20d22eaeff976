"""``fsbench sync``: send what a tracking store could not take when it was measured."""

from typing import Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.printing import print_line


def sync(
    tracking_uri: options.TrackingUri = None,
    drop: Annotated[
        bool,
        typer.Option("--drop", help="Forget what is owed to the store: nobody is at this address."),
    ] = False,
) -> None:
    """Send the results that were kept here while the MLflow store was away, each once."""
    from fewshot_bench.runs.packing import pack
    from fewshot_bench.tracking import Tracker
    from fewshot_bench.tracking.owed import drop_owed, owed_elsewhere, owed_to, send_owed
    from fewshot_bench.tracking.store import store_name

    tracker = Tracker(tracking_uri, pack=pack)
    store, owed = store_name(tracker.uri), owed_to(tracker.uri)
    if owed and drop:
        count = drop_owed(tracker.uri)
        verb = "was" if count == 1 else "were"
        print_line(f"forgot that {_results(count)} {verb} owed to {store}")
    elif owed:
        print_line(f"sent {_results(send_owed(tracker))} to {store}")
    else:
        print_line(f"nothing is owed to {store}")
    for other, count in owed_elsewhere(tracker.uri).items():
        print_line(
            f"{_results(count)} owed to {other}; name it with --tracking-uri, and if that is a "
            "wrong address, --drop"
        )


def print_owed(uri: str) -> None:
    """Say on stderr how many results a store has not got yet, if there are any."""
    from fewshot_bench.tracking.owed import owed_to
    from fewshot_bench.tracking.store import naming, store_name

    if owed := len(owed_to(uri)):
        verb = "is" if owed == 1 else "are"
        hint = f"'fsbench sync{naming(uri)}' sends them"
        print_line(f"{_results(owed)} {verb} owed to {store_name(uri)}; {hint}", err=True)


def _results(count: int) -> str:
    return f"{count} result{'' if count == 1 else 's'}"
