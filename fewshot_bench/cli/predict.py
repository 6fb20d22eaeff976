"""``fsbench predict``: the classes of images, or embeddings, that nobody has labelled."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fewshot_bench.cli import complete, options
from fewshot_bench.cli.printing import print_line, print_text

if TYPE_CHECKING:
    from fewshot_bench.evaluation.answering import Predictions
    from fewshot_bench.runs.task import Task


Method = Annotated[
    str, typer.Option("--method", "-m", help="Method.", autocompletion=complete.methods)
]
Support = Annotated[
    Path, typer.Option(help="Folder CLASS/image of labelled images; or X and y in an .npz.")
]
Query = Annotated[Path, typer.Option(help="Folder of images to be answered; or X in an .npz.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=".csv, .parquet or .json.", show_default="CSV on stdout"),
]
TrainDataset = Annotated[
    str | None,
    typer.Option(
        "--train-dataset",
        "--dataset",
        help="What the method is trained on, now unless it was.",
        autocompletion=complete.datasets,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(help="Network.", show_default="conv4-64", autocompletion=complete.backbones),
]
Ways = Annotated[int, typer.Option("--ways", min=2, help="Classes of an episode of meta-training.")]
Shots = Annotated[
    int | None,
    typer.Option(
        "--shots", "-k", min=1, help="Its labelled images a class.", show_default="support's"
    ),
]


def predict(
    method: Method,
    support: Support,
    query: Query,
    output: Output = None,
    train_dataset: TrainDataset = None,
    backbone: Backbone = None,
    weights: options.Weights = None,
    n_way: Ways = 5,
    n_shot: Shots = None,
    n_query: options.Queries = 15,
    seed: options.Seed = 0,
    preset: options.Preset = "default",
    settings: options.Settings = None,
    device: options.Device = "auto",
) -> None:
    """Name the class of each query, with probabilities, from a few labelled examples."""
    _check_suffix(output)
    predictions = _answered(_task(locals()), device)
    for remark in predictions.remarks:
        print_line(remark, err=True)
    _write(predictions, output)


def _task(given: Mapping[str, Any]) -> "Task":
    from fewshot_bench.runs.task import Task
    from fewshot_bench.utilities.validation import validated

    return validated(Task, {k: given[k] for k in Task.model_fields if given[k] is not None})


def _check_suffix(output: Path | None) -> None:
    """Refuse a format before hours of work."""
    from fewshot_bench.errors import UsageError
    from fewshot_bench.utilities.files import require_writable

    if output is not None and output.suffix not in (".csv", ".parquet", ".json"):
        raise UsageError(f"{output} is none of .csv, .parquet and .json; choose one of these")
    if output is not None:
        require_writable(output)


def _answered(task: "Task", device: str) -> "Predictions":
    from fewshot_bench.runs.predicting import predict
    from fewshot_bench.utilities.devices import pick_device
    from fewshot_bench.utilities.signals import Interrupted, interruptible

    try:
        with interruptible():
            return predict(task, pick_device(device))
    except Interrupted as interrupted:
        typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + interrupted.signal) from None


def _write(predictions: "Predictions", output: Path | None) -> None:
    from fewshot_bench.utilities.csv_text import csv_text
    from fewshot_bench.utilities.files import atomic_file

    frame = predictions.frame()
    if output is None:
        print_text(csv_text(frame))
        return
    with atomic_file(output) as partial:
        if output.suffix == ".csv":
            partial.write_text(csv_text(frame), "utf-8", newline="")
        elif output.suffix == ".json":
            frame.to_json(partial, orient="records", force_ascii=False, indent=2)
        else:
            frame.to_parquet(partial, index=False)
    print_line(f"{len(frame)} answers in {output}")
