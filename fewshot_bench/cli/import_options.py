"""Options of ``fsbench data import``, each with its help, which begins with what it is for."""

from pathlib import Path
from typing import Annotated

import typer

SplitFile = Annotated[
    Path | None,
    typer.Option(
        help='folder: JSON {"train": [CLASS, ...], "val": ..., "test": ...}; CSV with the columns '
        "class,split; or a folder of train.csv, val.csv, test.csv with the columns "
        "filename,label. A class is named by its folder, with as much of the path as tells it "
        "from others."
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="folder (CLASS/image), embeddings: split at random by class, into these percentages "
        "of train, val and test: 60/20/20."
    ),
]
SplitSeed = Annotated[int | None, typer.Option(min=0, help="Of --split, 0 if not given.")]
MinImages = Annotated[
    int | None, typer.Option(min=1, help="folder: leave out classes with fewer, by name.")
]
Size = Annotated[
    int | None, typer.Option(min=8, max=1024, help="folder: side in pixels, 84 if not given.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad-images", help="folder: leave out what cannot be read.")
]


Labels = Annotated[
    Path | None,
    typer.Option(help="embeddings: of a .npy file, one label for each row: .npy, .csv or .txt."),
]
LabelsPerSplit = Annotated[
    bool,
    typer.Option(
        "--labels-per-split",
        help="embeddings: labels begin anew in each split, 0 of train and 0 of test are two "
        "classes.",
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(help="embeddings: the network that made them, for tables, as dinov2-s."),
]
