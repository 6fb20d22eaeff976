"""``fsbench list``: one line about each method, backbone or data set, or a page about one."""

from collections.abc import Callable
from typing import Annotated

import typer

from fewshot_bench.cli import complete
from fewshot_bench.cli.pages import page, print_page
from fewshot_bench.cli.printing import print_table
from fewshot_bench.utilities.printing import plain_console, printable

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]


def list_names(
    kind: Annotated[
        str,
        typer.Argument(help="methods, backbones or datasets.", autocompletion=complete.kinds),
    ],
    name: Annotated[
        str | None,
        typer.Argument(help="Print all that is known of this one.", autocompletion=complete.names),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="With a method: smoke, default or paper.", autocompletion=complete.presets
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="With a method: show the defaults for this data set.",
            autocompletion=complete.datasets,
        ),
    ] = None,
) -> None:
    """Tell what there is, or all of one. Backbones also take your weights: 'run --weights'."""
    from fewshot_bench.errors import UsageError, suggestion

    kinds: dict[str, Callable[[], Rows]] = {
        "methods": _methods,
        "backbones": _backbones,
        "datasets": _datasets,
    }
    plural = kind.strip().lower().removesuffix("s") + "s"
    if plural not in kinds:
        raise UsageError(f"'{kind}' cannot be listed; {suggestion(plural, kinds)}")
    if name is not None:
        print_page(page(plural, name, preset, dataset))
    elif preset or dataset:
        raise UsageError(f"--preset and --dataset need a NAME, as in 'fsbench list {plural} NAME'")
    else:
        _print(*kinds[plural]())


def _methods() -> Rows:
    from fewshot_bench.registries import declared

    rows: list[tuple[str, ...]] = [
        (d.name, ", ".join(d.aliases), d.setting or "", d.paper.short if d.paper else "", d.summary)
        for d in declared("method")
    ]
    return ("method", "also", "setting", "paper", "what it does"), rows


def _backbones() -> Rows:
    from fewshot_bench.registries import declared

    rows: list[tuple[str, ...]] = [
        (d.name, ", ".join(d.aliases), d.summary) for d in declared("backbone")
    ]
    return ("backbone", "also", "what it is"), rows


def _datasets() -> Rows:
    from fewshot_bench.data.entry import datasets
    from fewshot_bench.data.store import stored_names

    stored = stored_names()
    rows: list[tuple[str, ...]] = []
    for name in datasets:
        entry = datasets[name]
        absent = "made on first use" if entry.generate else "no"
        rows.append((name, "yes" if name in stored else absent, entry.summary))
    rows += [(name, "yes", "imported by you") for name in stored if name not in datasets]
    return ("dataset", "on this machine", "what it is"), rows


def _print(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table on a terminal, tab-separated lines into a pipe."""
    from rich.table import Table

    if not plain_console().is_terminal:
        for row in rows:
            typer.echo("\t".join(map(printable, row)))
        return
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    print_table(table, rows)
