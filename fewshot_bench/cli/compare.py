"""``fsbench compare``: is this method better than that one, and how sure is it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import complete, options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.selecting import selecting
from fewshot_bench.cli.writing import on_terminal, print_laid_out, write
from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from rich.table import Table

    from fewshot_bench.report.comparison import Comparison
    from fewshot_bench.report.selection import Selection


Names = Annotated[
    list[str],
    typer.Argument(
        metavar="A [B ...]",
        help="Methods: the first is compared with each other one; alone, with all there are.",
        autocompletion=complete.methods,
    ),
]
Pairs = Annotated[bool, typer.Option("--pairs", help="Compare all with all.")]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0, max=100, help="Points that do not matter: test, too, whether methods differ by less."
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        help="markdown (md), csv or json.",
        show_default="that of the file; else a table on a terminal, markdown in a pipe",
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File; .md, .csv or .json says the format.")
]


@selecting("method")
@without_collector()
def compare(
    methods: Names,
    selection: "Selection",
    pairs: Pairs = False,
    margin: Margin = None,
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    form: Format = None,
    output: Output = None,
) -> None:
    """Compare methods on the same episodes, in all columns of the table that they share."""
    from fewshot_bench.report.comparison import compare_runs
    from fewshot_bench.report.comparison_text import FORMATS, SUFFIXES, notes
    from fewshot_bench.report.formats import chosen_format

    chosen = chosen_format(form, output, SUFFIXES)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    told = compare_runs(
        runs,
        found.accuracies,
        methods,
        every_pair=pairs,
        margin=None if margin is None else margin / 100,
    )
    if on_terminal(form, output):
        print_laid_out(_table(told), notes(told))
    else:
        write(FORMATS[chosen](told), output, f"{len(told.pairs)} comparisons")


def _table(told: "Comparison") -> "Table":
    from rich import box
    from rich.table import Table

    from fewshot_bench.report.comparison_text import TEXTS, headings, lines
    from fewshot_bench.utilities.printing import printable

    heads = headings(told)
    table = Table(box=box.SIMPLE_HEAD)
    for place, head in enumerate(heads):
        number = TEXTS <= place < len(heads) - 1
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for line in lines(told):
        table.add_row(*map(printable, line))
    return table
