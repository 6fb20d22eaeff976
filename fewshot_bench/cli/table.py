"""``fsbench table``: all finished runs side by side, as a paper would print them."""

from pathlib import Path

from fewshot_bench.cli import options
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
) -> None:
    """Compare all finished runs in one table: mean ± 95 % interval, the best in bold."""
    from fewshot_bench.cli.sync import print_owed
    from fewshot_bench.report.formats import chosen_format, render
    from fewshot_bench.report.metric import chosen_metric
    from fewshot_bench.report.published import load_published
    from fewshot_bench.report.selection import Selection
    from fewshot_bench.tracking import load_runs
    from fewshot_bench.tracking.store import chosen_uri
    from fewshot_bench.utilities.files import atomic_file

    chosen, number = chosen_format(form, output), chosen_metric(metric)
    names = {"dataset": dataset or (), "method": method or (), "backbone": backbone or ()}
    selection = Selection(names, shots or (), ways or (), split)
    _check_place(output)
    found = load_runs(tracking_uri)
    print_owed(chosen_uri(tracking_uri))  # the table lacks them
    if not (runs := selection.of(found)):
        raise _no_run(tracking_uri)
    theirs = selection.of_published(load_published()) if published else None
    text = render(runs, chosen, metric=number, published=theirs, cost=cost)
    if output is None:
        print_text(text)
    else:
        with atomic_file(output) as partial:
            partial.write_text(text, "utf-8", newline="")
        print_line(f"{len(runs)} runs in {output}")


def _check_place(output: Path | None) -> None:
    """Refuse a place where no file can be made, before the work."""
    from fewshot_bench.utilities.files import require_writable

    if output is not None:
        require_writable(output)


def _no_run(tracking_uri: str | None) -> Exception:
    from fewshot_bench.errors import UsageError
    from fewshot_bench.tracking.store import chosen_uri, naming, store_name

    uri = chosen_uri(tracking_uri)
    return UsageError(
        f"no finished run in {store_name(uri)}; make one with 'fsbench run --method ssl-meta "
        f"--shots 1{naming(uri)}', or name another store with --tracking-uri"
    )
