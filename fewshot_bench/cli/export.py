"""``fsbench export``: finished runs in one file, for other machines and other days."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line
from fewshot_bench.cli.selecting import selecting

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection


@selecting("study", "split")
def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, as results.parquet.")
    ],
    selection: "Selection",
    study: options.OfStudy = None,
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    split: Annotated[
        str | None, typer.Option("--split", help="test or val.", show_default="both")
    ] = None,
) -> None:
    """Write finished runs with all their episodes into one file that travels: see --results."""
    from fewshot_bench.exchange.files import require_parquet, write_results
    from fewshot_bench.exchange.gathering import newest
    from fewshot_bench.runs.study import study_name

    of_study = study_name(study) if study is not None else None
    selection = replace(selection, split=split, study=of_study, every_preset=True)
    require_parquet(output)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    measured = [found.measurement(run.run_id) for run in newest(runs)]
    write_results(measured, output)
    size = output.stat().st_size
    print_line(f"{len(measured)} runs in {output}, {size / 1000:.0f} kB")
