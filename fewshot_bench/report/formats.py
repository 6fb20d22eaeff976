"""The formats of a table, by name and by file suffix."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.report import latex, markdown, spreadsheet, webpage
from fewshot_bench.report.metric import ACCURACY, Metric
from fewshot_bench.report.section import Table
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun

SUFFIXES = {".md": "markdown", ".tex": "latex", ".html": "html", ".csv": "csv"}
_RENDERERS: dict[str, Callable[[Table], str]] = {
    "markdown": markdown.render,
    "latex": latex.render,
    "html": webpage.render,
}


def chosen_format(name: str | None, output: Path | None) -> str:
    """Return the format asked for, else the one of the file's suffix, else Markdown.

    Raises:
        UsageError: no such format or suffix.
    """
    if name is not None:
        if name.lower() not in SUFFIXES.values():
            raise UsageError(f"no format is called '{name}'; {suggestion(name, SUFFIXES.values())}")
        return name.lower()
    if output is None:
        return "markdown"
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"'{output}' does not say which format; end it in {', '.join(SUFFIXES)}, or give "
            "--format"
        )
    return SUFFIXES[output.suffix.lower()]


def render(
    runs: Sequence[TrackedRun],
    form: str,
    *,
    metric: Metric = ACCURACY,
    published: pd.DataFrame | None = None,
    cost: bool = False,
) -> str:
    """Write the table of `runs` in the format `form`; CSV always has all metrics and the costs.

    `published` are others' accuracies, as `load_published` returns them, to stand beside ours.
    """
    if form == "csv":
        return spreadsheet.render(runs, published=published)
    return _RENDERERS[form](build_table(runs, metric=metric, published=published, cost=cost))
