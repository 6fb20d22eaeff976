"""Options that commands share, each with its help.

Help is rich's markup: words in square brackets are styles there, so defaults go by `show_default`.
"""

from pathlib import Path
from typing import Annotated

import typer

from fewshot_bench.cli import complete

TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow store.", show_default="sqlite:///mlflow.db")
]
Experiment = Annotated[
    str | None,
    typer.Option(help="MLflow's experiment to log to.", show_default="the name of the data set"),
]
StudyExperiment = Annotated[
    str | None,
    typer.Option(help="MLflow's experiment to log to.", show_default="the name of the study"),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="KEY=VALUE that MLflow shows with every run, repeatable."),
]

# What is run.
Methods = Annotated[
    list[str],
    typer.Option(
        "--method",
        "-m",
        help="Method, repeatable; or all, heads, paper. See 'fsbench list methods'.",
        autocompletion=complete.methods,
    ),
]
Shots = Annotated[
    list[int] | None,
    typer.Option(
        "--shots", "-k", min=1, help="Labelled images a class, repeatable.", show_default="1"
    ),
]
Dataset = Annotated[
    str, typer.Option(help="See 'fsbench list datasets'.", autocompletion=complete.datasets)
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        help="See 'fsbench list datasets'; repeatable.",
        show_default="glyphs",
        autocompletion=complete.datasets,
    ),
]
TrainDataset = Annotated[
    str | None,
    typer.Option(
        "--train-dataset",
        help="Train and select on this one instead, and only test on --dataset.",
        show_default="that of --dataset",
        autocompletion=complete.datasets,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        help="See 'fsbench list backbones'.",
        show_default="conv4-64",
        autocompletion=complete.backbones,
    ),
]
Backbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        help="See 'fsbench list backbones'; repeatable.",
        show_default="conv4-64",
        autocompletion=complete.backbones,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Weights for the backbone, which is then not pretrained: a safetensors file, or a "
        "state dictionary of torch.",
    ),
]
Way = Annotated[int, typer.Option("--ways", min=2, help="Classes of an episode.")]
Ways = Annotated[
    list[int] | None,
    typer.Option("--ways", min=2, help="Classes of an episode, repeatable.", show_default="5"),
]
Queries = Annotated[int, typer.Option("--queries", min=1, help="Query images a class.")]
QueryBalance = Annotated[str, typer.Option(help="'balanced' or 'dirichlet:ALPHA'.")]
QueryBalances = Annotated[
    list[str] | None,
    typer.Option(
        "--query-balance",
        help="'balanced' or 'dirichlet:ALPHA', repeatable.",
        show_default="balanced",
    ),
]
QueryWays = Annotated[
    int | None,
    typer.Option(
        "--query-ways",
        min=1,
        help="Classes that have queries, of each episode's.",
        show_default="all",
    ),
]
Episodes = Annotated[
    int | None,
    typer.Option("--episodes", min=2, help="Test episodes.", show_default="2000; smoke: 200"),
]
EpisodeSeed = Annotated[int, typer.Option(min=0, help="Seed of the test episodes.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of weights and training.")]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed", min=0, help="Seed of weights and training, repeatable.", show_default="0"
    ),
]
BackboneSeed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Seed of the pretraining, for all seeds: they differ in meta-training alone.",
        show_default="that of --seed",
    ),
]
Preset = Annotated[
    str, typer.Option(help="smoke, default or paper.", autocompletion=complete.presets)
]
Split = Annotated[str, typer.Option(help="Classes of the episodes: test or val.")]
Tune = Annotated[
    str | None, typer.Option(help="'val': choose settings from the method's grid on val.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="KEY=VALUE of the recipe, repeatable, as train.lr=0.01; METHOD.KEY=VALUE for one.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Run again; weights that other code made are made anew."),
]
KeepPredictions = Annotated[
    bool,
    typer.Option(
        "--keep-predictions",
        help="Keep every answer, and log accuracy by class and confusion; weights are reused.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the complete configurations as JSON and stop."),
]

# What is shown.
OfStudy = Annotated[
    str | None,
    typer.Argument(
        metavar="[STUDY|FILE.toml]",
        help="Only this study: its name in MLflow, or its file.",
        show_default="all that the store holds",
        autocompletion=complete.studies,
    ),
]
Results = Annotated[
    list[Path] | None,
    typer.Option(
        "--results",
        help="File that 'fsbench export' wrote, repeatable; read in place of the store, or "
        "beside it if --tracking-uri is given.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        help="markdown (md), latex (tex), html or csv.",
        show_default="that of the file; else a table on a terminal, markdown in a pipe",
        autocompletion=complete.formats,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File; .md, .tex, .html or .csv says the format."),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File; .png, .svg or .pdf says the format.", show_default="KIND.png"
    ),
]
OnlyDatasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this one, repeatable.", autocompletion=complete.datasets),
]
OnlyMethods = Annotated[
    list[str] | None,
    typer.Option(
        "--method", "-m", help="Only this one, repeatable.", autocompletion=complete.methods
    ),
]
OnlyBackbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone", help="Only this one, repeatable.", autocompletion=complete.backbones
    ),
]
OnlyShots = Annotated[
    list[int] | None, typer.Option("--shots", "-k", help="Only these, repeatable.")
]
OnlyWays = Annotated[list[int] | None, typer.Option("--ways", help="Only these, repeatable.")]
OfSplit = Annotated[str, typer.Option("--split", help="test; or val, for runs of a sweep.")]
Metric = Annotated[
    str,
    typer.Option(
        help="accuracy, macro-f1 or calibration; CSV has all.", autocompletion=complete.metrics
    ),
]
Published = Annotated[
    bool,
    typer.Option("--published", help="Put papers' numbers beside ours, and say how they differ."),
]
Cost = Annotated[
    bool,
    typer.Option("--cost", help="Add columns of minutes of training and milliseconds an episode."),
]
Significance = Annotated[
    bool,
    typer.Option(
        "--significance",
        help="Bold too: all that are not significantly worse than the best of a column.",
    ),
]
