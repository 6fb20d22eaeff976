"""``fsbench export``: finished runs in one file, for other machines and other days."""

from pathlib import Path
from typing import Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, as results.parquet.")
    ],
    study: options.OfStudy = None,
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    dataset: options.OnlyDatasets = None,
    method: options.OnlyMethods = None,
    backbone: options.OnlyBackbones = None,
    shots: options.OnlyShots = None,
    ways: options.OnlyWays = None,
    split: Annotated[
        str | None, typer.Option("--split", help="test or val.", show_default="both")
    ] = None,
) -> None:
    """Write finished runs with all their episodes into one file that travels: see --results."""
    from fewshot_bench.exchange.files import require_parquet, write_results
    from fewshot_bench.exchange.gathering import newest
    from fewshot_bench.report.selection import Selection
    from fewshot_bench.runs.study import study_name

    names = {"dataset": dataset or (), "method": method or (), "backbone": backbone or ()}
    of_study = study_name(study) if study is not None else None
    selection = Selection(names, shots or (), ways or (), split, of_study)
    require_parquet(output)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    measured = [found.measurement(run.run_id) for run in newest(runs)]
    write_results(measured, output)
    size = output.stat().st_size
    print_line(f"{len(measured)} runs in {output}, {size / 1000:.0f} kB")
