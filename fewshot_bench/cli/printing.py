"""What commands print: words of files, stores and servers too, but no control character."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from fewshot_bench.utilities.printing import plain_console, printable, printable_lines

if TYPE_CHECKING:
    from rich.table import Table


def print_line(line: str, *, err: bool = False) -> None:
    """Print one line on stdout, or stderr."""
    typer.echo(printable(line), err=err)


def print_text(text: str) -> None:
    """Print a whole text on stdout: into a pipe as it is, so that programs read what is meant."""
    typer.echo(printable_lines(text) if sys.stdout.isatty() else text, nl=False)


def print_table(table: "Table", rows: Iterable[Sequence[str]]) -> None:
    """Print a table, whose headings are ours, with rows and perhaps a title of whatever texts."""
    table.title = printable(str(table.title)) if table.title else None
    for row in rows:
        table.add_row(*map(printable, row))
    plain_console().print(table)
