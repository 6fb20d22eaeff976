"""``fsbench report``: one page about finished runs."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line
from fewshot_bench.cli.selecting import selecting, words_of
from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection


@selecting("study")
@without_collector()
def report(
    selection: "Selection",
    study: options.OfStudy = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path(
        "report.html"
    ),
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
) -> None:
    """Write one HTML page that needs no network: the answer, tables, figures, every cell."""
    from fewshot_bench.report.study_page.page import require_html
    from fewshot_bench.runs.reporting import report as page_about
    from fewshot_bench.runs.study import study_name, study_summary
    from fewshot_bench.utilities.files import atomic_file

    name = None if study is None else study_name(study)
    selection = replace(selection, study=name)
    require_html(output)
    check_place(output)
    found, runs = gathered_runs(tracking_uri, results, selection)
    summary = "" if study is None else study_summary(study)
    command = _command(study, [*(results or ())], selection, output)
    text = page_about(found, runs, name or "", summary, command)
    with atomic_file(output) as partial:
        partial.write_text(text, "utf-8", newline="")
    print_line(f"{len(runs)} runs in {output}, {len(text.encode()) / 1e6:.1f} MB")


def _command(
    study: str | None, results: Sequence[Path], selection: "Selection", output: Path
) -> str:
    """Write what was asked for; places of this machine and stores are nobody else's business."""
    words = ["fsbench", "report", *([Path(study).name] if study else [])]
    words += [word for file in results for word in ("--results", file.name)]
    words += words_of(selection)
    return shlex.join([*words, "-o", output.name])
