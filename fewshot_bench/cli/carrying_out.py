"""What ``run`` and ``study`` share: carrying a request out, and telling what became of it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import typer

from fewshot_bench.cli.printing import print_line, print_table
from fewshot_bench.cli.sync import print_owed

if TYPE_CHECKING:
    from fewshot_bench.results import RunRecord
    from fewshot_bench.runs.driver import Outcome
    from fewshot_bench.runs.request import Request
    from fewshot_bench.tracking.writer import Tracker


def carry_out(request: "Request", tracker: "Tracker", given: Mapping[str, Any]) -> None:
    """Measure what is asked for, and print it; exit with 1 if a cell failed.

    Args:
        request: what is asked for.
        tracker: of the store that gets the results.
        given: options of the command, those of `Manner` among them.
    """
    from fewshot_bench.cli.board import Board
    from fewshot_bench.runs.driver import attempt
    from fewshot_bench.runs.local import Manner
    from fewshot_bench.utilities.signals import Interrupted

    manner = Manner(**{field.name: given[field.name] for field in fields(Manner)})
    try:
        with Board(manner.in_this_process) as board:
            outcome = attempt(request, tracker, manner, board)
    except Interrupted as interrupted:
        typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + interrupted.signal) from None
    if outcome.records:
        _print_records(outcome, tracker)
    print_owed(tracker.uri)
    if outcome.failures:
        _print_failures(outcome)
        raise typer.Exit(1)


def _print_failures(outcome: "Outcome") -> None:
    from fewshot_bench.errors import UsageError

    titles = outcome.plan.titles()
    for i, error in outcome.failures.items():
        kind = "" if isinstance(error, UsageError) else f"{type(error).__name__}: "
        reason = " ".join(str(error).split())
        print_line(f"failed: {titles[i]}: {kind}{reason}", err=True)
    done = f"{len(outcome.records)} of {len(titles)} cells are done"
    log = f"; more is in {outcome.log}" if outcome.log else ""
    print_line(f"{done}; the same command tries the others again{log}", err=True)


def _print_records(outcome: "Outcome", tracker: "Tracker") -> None:
    """Print a table for each protocol, methods by shots, and what may come next."""
    from fewshot_bench.tracking.store import naming

    groups: dict[tuple[object, ...], list[RunRecord]] = {}
    for record in outcome.in_order:
        c = record.config
        protocol = (c.dataset, c.train_dataset, c.n_way, c.n_episodes, c.split, c.query_balance)
        groups.setdefault(protocol, []).append(record)
    for records in groups.values():
        _print_table(records)
    uri = naming(tracker.uri)
    print_line(f"Next: 'fsbench table{uri}' compares all runs, 'fsbench ui{uri}' browses them.")
    if name := tracker.place.study:
        page = f"fsbench report {shlex.quote(name)}{uri} -o report.html"
        print_line(f"'{page}' writes a page about this study.")


def _print_table(records: "list[RunRecord]") -> None:
    from rich.table import Table

    from fewshot_bench.runs.cells import variants

    first, shots = records[0].config, sorted({r.config.n_shot for r in records})
    origin = f", trained on {first.train_dataset}" if first.train_dataset else ""
    queries = "" if first.query_balance == "balanced" else f", queries {first.query_balance}"
    episodes = f"{first.n_way}-way, {first.n_episodes} {first.split} episodes{queries}"
    title = f"{first.dataset}{origin}, {episodes}, accuracy in %"
    table = Table(title=title, title_justify="left")
    for heading in ("method", "backbone", "setting"):
        table.add_column(heading)
    for k in shots:
        table.add_column(f"{k}-shot", justify="right")
    several = len({r.config.seed for r in records}) > 1
    rows: dict[tuple[str, ...], dict[int, str]] = {}
    for r, variant in zip(records, variants([r.config for r in records]), strict=True):
        name = r.config.method + (f" ({variant})" if variant else "")
        name += f", seed {r.config.seed}" if several else ""
        row = rows.setdefault((name, r.config.network, r.result.setting), {})
        row[r.config.n_shot] = f"{100 * r.result.mean:.2f} ± {100 * r.result.ci95:.2f}"
    filled = [(*names, *(cells.get(k, "") for k in shots)) for names, cells in rows.items()]
    print_table(table, filled)
