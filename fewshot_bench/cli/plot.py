"""``fsbench plot``: figures of finished runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import complete, options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line
from fewshot_bench.cli.selecting import selecting
from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection

KindName = Annotated[
    str,
    typer.Argument(
        metavar="KIND",
        help="accuracies, shots, cost, curves, trend, ranks, differences or episode.",
        autocompletion=complete.figures,
    ),
]
Over = Annotated[
    str | None,
    typer.Option(
        help="trend: over shots, ways or balance.",
        show_default="what has most values",
        autocompletion=complete.over,
    ),
]
Episode = Annotated[int | None, typer.Option(min=0, help="episode: which one.", show_default="0")]


@selecting()
@without_collector()
def plot(
    kind: KindName,
    selection: "Selection",
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    output: options.Picture = None,
    over: Over = None,
    episode: Episode = None,
) -> None:
    """Draw a figure of finished runs, one protocol in each, told in its caption."""
    from fewshot_bench.report.figures.saving import chosen_file, save_figure
    from fewshot_bench.runs.plotting import Asked, check_asked, chosen_kind, draw

    kind, asked = chosen_kind(kind), Asked(over, episode)
    check_asked(kind, asked)
    file = chosen_file(output, kind)
    check_place(file)
    found, runs = gathered_runs(tracking_uri, results, selection)
    save_figure(draw(kind, runs, found, asked), file)
    print_line(f"{len(runs)} runs in {file}")
