"""The ``fsbench`` command line; one file a command, heavy imports inside the commands."""

import sys
from typing import Annotated, NoReturn

import typer

from fewshot_bench.cli import (
    compare,
    data,
    export,
    listing,
    plot,
    predict,
    recommend,
    report,
    run,
    study,
    sync,
    table,
    ui,
)
from fewshot_bench.cli.printing import print_line
from fewshot_bench.cli.terminal import print_what_can_be_printed
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.cores import sleep_soon
from fewshot_bench.utilities.mistakes import ordinary

app = typer.Typer(
    name="fsbench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from fewshot_bench.provenance.code_version import code_version

        typer.echo(f"fsbench {code_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version, with its commit in a checkout, and stop.",
        ),
    ] = False,
) -> None:
    """Few-shot methods and backbones under one shared episodic evaluator."""


app.command("run")(run.run)
app.command("study")(study.study)
app.command("predict")(predict.predict)
app.command("recommend")(recommend.recommend)
app.command("table")(table.table)
app.command("compare")(compare.compare)
app.command("plot")(plot.plot)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("sync")(sync.sync)
app.command("ui")(ui.ui)
app.command("list")(listing.list_names)
app.add_typer(data.app, name="data")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a `UsageError` becomes one line on stderr and exit code 2.

    So do a disk that refuses to be written, and too little memory.
    """
    sleep_soon()
    print_what_can_be_printed()
    try:
        app(arguments)
    except UsageError as error:
        _fail(error)
    except Exception as error:
        if (mistake := ordinary(error)) is None:
            raise
        _fail(mistake)


def _fail(error: UsageError) -> NoReturn:
    line = " ".join(str(error).splitlines())  # a file's name may hold line breaks
    print_line(f"fsbench: {line}", err=True)
    sys.exit(2)
