"""``fsbench table``: all finished runs side by side, as a paper would print them."""

from typing import TYPE_CHECKING

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.selecting import selecting
from fewshot_bench.cli.writing import on_terminal, print_laid_out, write
from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from fewshot_bench.report.selection import Selection


@selecting()
@without_collector()
def table(
    selection: "Selection",
    tracking_uri: options.TrackingUri = None,
    results: options.Results = None,
    form: options.Format = None,
    output: options.Output = None,
    metric: options.Metric = "accuracy",
    significance: options.Significance = False,
    published: options.Published = False,
    cost: options.Cost = False,
) -> None:
    """Compare all finished runs in one table: mean ± 95 % interval, the best in bold."""
    from fewshot_bench.report.formats import chosen_format, render
    from fewshot_bench.report.metric import chosen_metric
    from fewshot_bench.report.published import load_published
    from fewshot_bench.report.table import build_table
    from fewshot_bench.report.terminal import rich

    chosen = chosen_format(form, output)
    check_place(output)
    number = chosen_metric(metric)
    found, runs = gathered_runs(tracking_uri, results, selection)
    theirs = selection.of_published(load_published()) if published else None
    episodes = found.accuracies if significance else None
    if on_terminal(form, output):
        built = build_table(runs, metric=number, published=theirs, cost=cost, accuracies=episodes)
        print_laid_out(rich(built), built.notes)
        return
    text = render(runs, chosen, metric=number, published=theirs, cost=cost, accuracies=episodes)
    write(text, output, f"{len(runs)} runs")
