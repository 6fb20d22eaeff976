"""``fsbench table``: all finished runs side by side, as a paper would print them."""

from fewshot_bench.cli import options
from fewshot_bench.cli.gathering import check_place, gathered_runs
from fewshot_bench.cli.printing import print_line, print_text
from fewshot_bench.utilities.memory import without_collector


@without_collector()
def table(
    tracking_uri: options.TrackingUri = None,
    form: options.Format = None,
    output: options.Output = None,
    dataset: options.OnlyDatasets = None,
    method: options.OnlyMethods = None,
    backbone: options.OnlyBackbones = None,
    shots: options.OnlyShots = None,
    ways: options.OnlyWays = None,
    split: options.OfSplit = "test",
    metric: options.Metric = "accuracy",
    published: options.Published = False,
    cost: options.Cost = False,
    results: options.Results = None,
) -> None:
    """Compare all finished runs in one table: mean ± 95 % interval, the best in bold."""
    from fewshot_bench.report.formats import chosen_format, render
    from fewshot_bench.report.metric import chosen_metric
    from fewshot_bench.report.published import load_published
    from fewshot_bench.report.selection import Selection
    from fewshot_bench.utilities.files import atomic_file

    chosen, number = chosen_format(form, output), chosen_metric(metric)
    names = {"dataset": dataset or (), "method": method or (), "backbone": backbone or ()}
    selection = Selection(names, shots or (), ways or (), split)
    check_place(output)
    _, runs = gathered_runs(tracking_uri, results, selection)
    theirs = selection.of_published(load_published()) if published else None
    text = render(runs, chosen, metric=number, published=theirs, cost=cost)
    if output is None:
        print_text(text)
    else:
        with atomic_file(output) as partial:
            partial.write_text(text, "utf-8", newline="")
        print_line(f"{len(runs)} runs in {output}")
