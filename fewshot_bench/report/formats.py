"""The formats of a table, by name and by file suffix."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.report import latex, markdown, spreadsheet, webpage
from fewshot_bench.report.metric import ACCURACY, Metric
from fewshot_bench.report.paired_cells import Accuracies
from fewshot_bench.report.section import Table
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun

SUFFIXES = {".md": "markdown", ".tex": "latex", ".html": "html", ".csv": "csv"}
_RENDERERS: dict[str, Callable[[Table], str]] = {
    "markdown": markdown.render,
    "latex": latex.render,
    "html": webpage.render,
}


def chosen_format(
    name: str | None, output: Path | None, suffixes: Mapping[str, str] = SUFFIXES
) -> str:
    """Return the format asked for, else the one of the file's suffix, else Markdown.

    Args:
        name: of the format, or its suffix without the dot.
        output: the file, if there is to be one.
        suffixes: of the formats that there are.

    Raises:
        UsageError: no such format or suffix, or they disagree.
    """
    told = suffixes.get(output.suffix.lower()) if output else None
    if name is not None:
        form = suffixes.get(f".{name.lower()}", name.lower())
        if form not in suffixes.values():
            hint = suggestion(form, [*suffixes.values()])
            raise UsageError(f"no format is called '{name}'; {hint}")
        if told not in (None, form):
            raise UsageError(f"'{output}' is a file of {told}, not of {form}; change one of them")
        return form
    if output is None:
        return "markdown"
    if told is None:
        raise UsageError(
            f"'{output}' does not say which format; end it in {', '.join(suffixes)}, or give "
            "--format"
        )
    return told


def render(
    runs: Sequence[TrackedRun],
    form: str,
    *,
    metric: Metric = ACCURACY,
    published: pd.DataFrame | None = None,
    cost: bool = False,
    accuracies: Accuracies | None = None,
) -> str:
    """Write the table of `runs` in the format `form`; CSV always has all metrics and the costs.

    See `build_table` for the rest.
    """
    if form == "csv":
        return spreadsheet.render(runs, published=published)
    table = build_table(runs, metric=metric, published=published, cost=cost, accuracies=accuracies)
    return _RENDERERS[form](table)
