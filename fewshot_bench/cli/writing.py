"""Tables that go to a file, into a pipe or onto a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.cli.printing import print_line, print_text
from fewshot_bench.utilities.printing import plain_console

if TYPE_CHECKING:
    from rich.table import Table


def on_terminal(form: str | None, output: Path | None) -> bool:
    """Whether somebody looks at what is printed, and asked for no format."""
    return form is None and output is None and plain_console().is_terminal


def print_laid_out(table: "Table", notes: Sequence[str]) -> None:
    """Print a table on a terminal, and notes below it."""
    plain_console().print(table)
    for note in notes:
        print_line(f"- {note}")


def write(text: str, output: Path | None, done: str) -> None:
    """Print a text, or write it into a file as a whole and say what is there.

    Args:
        text: with its last line break.
        output: the file; None: it is printed.
        done: what the file has.
    """
    from fewshot_bench.utilities.files import atomic_file

    if output is None:
        print_text(text)
        return
    with atomic_file(output) as partial:
        partial.write_text(text, "utf-8", newline="")
    print_line(f"{done} in {output}")
