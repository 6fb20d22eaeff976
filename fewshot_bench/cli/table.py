"""``fsbench table``: all finished runs side by side, as a paper would print them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fewshot_bench.utilities.memory import without_collector

if TYPE_CHECKING:
    from fewshot_bench.registry import Registry
    from fewshot_bench.tracking.record import TrackedRun


@without_collector()
def table(
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store.  [default: sqlite:///mlflow.db]")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", help="markdown, latex, html or csv.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File; .md, .tex, .html or .csv says the format."),
    ] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only this one, repeatable.")] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="Only this one, repeatable.")
    ] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="Only this one, repeatable.")] = None,
    shots: Annotated[
        list[int] | None, typer.Option("--shots", "-k", help="Only these, repeatable.")
    ] = None,
    ways: Annotated[list[int] | None, typer.Option(help="Only these, repeatable.")] = None,
    split: Annotated[str, typer.Option(help="test; or val, for runs of a sweep.")] = "test",
    published: Annotated[
        bool, typer.Option("--published", help="Add numbers from papers, under their own heading.")
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Add minutes of training and milliseconds an episode.")
    ] = False,
) -> None:
    """Compare all finished runs in one table: mean ± 95 % interval, the best in bold."""
    from fewshot_bench.cli.sync import print_owed
    from fewshot_bench.errors import UsageError
    from fewshot_bench.report.formats import chosen_format, render
    from fewshot_bench.tracking import load_runs
    from fewshot_bench.tracking.store import chosen_uri
    from fewshot_bench.utilities.files import atomic_file

    chosen = chosen_format(form, output)
    wanted = {"dataset": dataset, "method": method, "backbone": backbone}
    if split not in ("test", "val"):
        raise UsageError(f"runs are on split test or val, not '{split}'")
    runs = [run for run in load_runs(tracking_uri) if run.split == split]
    print_owed(chosen_uri(tracking_uri))  # the table lacks them
    if not runs:
        raise _no_run(tracking_uri)
    for kind, names in wanted.items():
        runs = _named(runs, kind, names or [])
    runs = [r for r in runs if r.n_shot in (shots or [r.n_shot]) and r.n_way in (ways or [r.n_way])]
    if not runs:
        raise UsageError("no finished run fits all these options; leave some of them out")
    text = render(runs, chosen, published=published, cost=cost)
    if output is None:
        typer.echo(text, nl=False)
    else:
        with atomic_file(output) as partial:
            partial.write_text(text, "utf-8")
        typer.echo(f"{len(runs)} runs in {output}")


def _named(runs: "list[TrackedRun]", kind: str, names: list[str]) -> "list[TrackedRun]":
    """Keep the runs whose `kind` is one of `names`, in any spelling or alias; no name keeps all.

    Raises:
        UsageError: no run has that name.
    """
    from fewshot_bench.errors import UsageError, suggestion
    from fewshot_bench.registry import canonical

    known = {getattr(run, kind) for run in runs}
    chosen = set()
    for name in names:
        spelling = canonical(name)
        if spelling not in known:  # an alias, perhaps: only then is the registry worth loading
            things = _registry(kind)
            spelling = things.resolve(name) if name in things else spelling
        if spelling not in known:
            raise UsageError(f"no finished run of {kind} '{name}'; {suggestion(spelling, known)}")
        chosen.add(spelling)
    return [run for run in runs if not names or getattr(run, kind) in chosen]


def _registry(kind: str) -> "Registry[Any]":
    from fewshot_bench.backbones.base import backbones
    from fewshot_bench.data.entry import datasets
    from fewshot_bench.method import methods

    registries: dict[str, Registry[Any]] = {
        "method": methods,
        "backbone": backbones,
        "dataset": datasets,
    }
    return registries[kind]


def _no_run(tracking_uri: str | None) -> Exception:
    from fewshot_bench.errors import UsageError
    from fewshot_bench.tracking.store import chosen_uri, redacted

    return UsageError(
        f"no finished run in {redacted(chosen_uri(tracking_uri))}; make one with "
        "'fsbench run --method ssl-meta --shots 1', or name another store with --tracking-uri"
    )
