"""``fsbench report``: one page about finished runs."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line
from fewshot_bench.cli.selecting import selecting
from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection

Page = Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")]


@selecting("study")
@without_collector()
def report(
    selection: "Selection",
    study: options.OfStudy = None,
    output: Page = Path("report.html"),
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
) -> None:
    """Write one HTML page that needs no network: the answer, tables, figures, every cell."""
    from dataclasses import replace

    from fewshot_bench.report.study_page.page import require_html
    from fewshot_bench.runs.reporting import report as page_about
    from fewshot_bench.runs.study import study_name, study_summary
    from fewshot_bench.utilities.files import atomic_file

    name, summary = (study_name(study), study_summary(study)) if study else (None, "")
    selection = replace(selection, study=name)
    require_html(output)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    command = _command(study, results or (), selection, output)
    text = page_about(found, runs, name or "", summary, command)
    with atomic_file(output) as partial:
        partial.write_text(text, "utf-8", newline="")
    print_line(f"{len(runs)} runs in {output}, {len(text.encode()) / 1e6:.1f} MB")


def _command(
    study: str | None, results: Sequence[Path], selection: "Selection", output: Path
) -> str:
    """Write what was asked for; where files and stores lie is nobody else's business."""
    chosen = {
        "results": [file.name for file in results],
        **selection.names,
        "shots": selection.shots,
        "ways": selection.ways,
        "queries": selection.queries,
        "query-balance": selection.balances,
        "episodes": selection.episodes,
        "seed": selection.seeds,
        "preset": selection.presets,
        "split": () if selection.split == "test" else (selection.split,),
    }
    words = ["fsbench", "report", *([Path(study).name] if study else [])]
    words += [w for name, values in chosen.items() for v in values for w in (f"--{name}", str(v))]
    return shlex.join([*words, "-o", output.name])
