"""``fsbench study``: all that a file asks for, with one command."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import complete, engine_options, options
from fewshot_bench.cli.carrying_out import carry_out
from fewshot_bench.cli.printing import print_line, print_table

if TYPE_CHECKING:
    from fewshot_bench.runs.estimates import Row
    from fewshot_bench.runs.study import Study
    from fewshot_bench.tracking.writer import Tracker


def study(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FILE.toml|NAME",
            help="A file, or one that comes with fsbench: smoke, cifar-fs-conv4, "
            "heads-imbalance, omniglot, ssl-meta-plus, transductive.",
            autocompletion=complete.studies,
        ),
    ],
    workers: engine_options.Workers = 1,
    engine: engine_options.Engine = "local",
    address: engine_options.Address = "auto",
    store: engine_options.Store = None,
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    experiment: options.StudyExperiment = None,
    tags: options.Tags = None,
    force: options.Force = False,
    keep_predictions: options.KeepPredictions = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what there is to do and how long it may take, only."),
    ] = False,
) -> None:
    """Measure all cells of a study: methods by backbones, data sets, shots, seeds and balances."""
    given = locals()
    from fewshot_bench.runs.study import load_study

    asked = load_study(name)
    tracker = _tracker(asked, name, tracking_uri, experiment, tags or [])
    if dry_run:
        _print_plan(asked, workers)
    else:
        carry_out(asked, tracker, given)


def _tracker(
    asked: "Study", name: str, uri: str | None, experiment: str | None, tags: list[str]
) -> "Tracker":
    """Let options take the place of what the file says of MLflow, tag by tag."""
    from fewshot_bench.runs.packing import pack
    from fewshot_bench.tracking.place import tags_of
    from fewshot_bench.tracking.writer import Tracker

    words = ["fsbench", "study", name, *(["--experiment", experiment] if experiment else [])]
    words += [word for tag in tags for word in ("--tag", tag)]
    return Tracker(
        uri,
        experiment=experiment or asked.experiment,
        study=asked.name,
        command=shlex.join(words),
        tags={**asked.tags, **tags_of(tags)},
        pack=pack,
    )


def _print_plan(asked: "Study", workers: int) -> None:
    """Print a row for each method on a data set and a backbone, then what they share."""
    from rich.table import Table

    from fewshot_bench.runs.driver import planned
    from fewshot_bench.runs.estimates import estimate, learnt_pace, rows
    from fewshot_bench.runs.known import known_records

    plan, pace = planned(asked), learnt_pace()
    known = known_records(plan)
    table = Table(title=f"{asked.name}: {asked.summary}", title_justify="left")
    for heading in ("method", "backbone", "data set"):
        table.add_column(heading)
    for heading in ("cells", "done", "to do", "time"):
        table.add_column(heading, justify="right")
    print_table(table, [_texts(row) for row in rows(plan, known, pace)])
    needs = [name for cell in plan.cells for name in cell.needs]
    for work in plan.shared:
        state = "done" if work.done else f"to do, {pace.of_shared(work)}"
        print_line(f"{work.title}, for {needs.count(work.name)} cells: {state}")
    left = [i for i in range(len(plan.cells)) if i not in known]
    time = f"; time left: {estimate(plan, left, pace, workers)}" if left else ""
    print_line(f"{len(known)} of {len(plan.cells)} cells are done{time}")


def _texts(row: "Row") -> tuple[str, ...]:
    n_left = row.n_cells - row.n_done
    time = str(row.left) if n_left else ""
    return (*row.names, str(row.n_cells), str(row.n_done), str(n_left), time)
