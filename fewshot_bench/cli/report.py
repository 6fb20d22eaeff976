"""``fsbench report``: one page about finished runs."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line
from fewshot_bench.utilities.memory import without_collector


@without_collector()
def report(
    study: options.OfStudy = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path(
        "report.html"
    ),
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    dataset: options.OnlyDatasets = None,
    method: options.OnlyMethods = None,
    backbone: options.OnlyBackbones = None,
    shots: options.OnlyShots = None,
    ways: options.OnlyWays = None,
    split: options.OfSplit = "test",
) -> None:
    """Write one HTML page that needs no network: the answer, tables, figures, every cell."""
    from fewshot_bench.report.selection import Selection
    from fewshot_bench.report.study_page.page import require_html
    from fewshot_bench.runs.reporting import report as page_about
    from fewshot_bench.runs.study import study_name, study_summary
    from fewshot_bench.utilities.files import atomic_file

    names = {"dataset": dataset or (), "method": method or (), "backbone": backbone or ()}
    name = None if study is None else study_name(study)
    selection = Selection(names, shots or (), ways or (), split, name)
    require_html(output)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    summary = "" if study is None else study_summary(study)
    chosen = {**names, "shots": shots or (), "ways": ways or (), "split": [split]}
    command = _command(study, [*(results or ())], chosen, output)
    text = page_about(found, runs, name or "", summary, command)
    with atomic_file(output) as partial:
        partial.write_text(text, "utf-8", newline="")
    print_line(f"{len(runs)} runs in {output}, {len(text.encode()) / 1e6:.1f} MB")


def _command(
    study: str | None, results: Sequence[Path], chosen: Mapping[str, Iterable[object]], output: Path
) -> str:
    """Write what was asked for; places of this machine and stores are nobody else's business."""
    words = ["fsbench", "report", *([Path(study).name] if study else [])]
    words += [word for file in results for word in ("--results", file.name)]
    for name, values in chosen.items():
        words += [word for value in values if value != "test" for word in (f"--{name}", str(value))]
    return shlex.join([*words, "-o", output.name])
