"""Options that say where the cells of ``run`` and ``study`` are measured, each with its help."""

from typing import Annotated

import typer

Workers = Annotated[
    int, typer.Option(min=1, help="Processes that measure cells side by side on this machine.")
]
Engine = Annotated[str, typer.Option(help="local: this machine; ray: a Ray cluster.")]
Address = Annotated[
    str, typer.Option(help="Of the Ray cluster: HOST:PORT, or auto for that of this machine.")
]
Store = Annotated[
    str | None,
    typer.Option(
        help="URL that every node of the cluster reaches, as s3://bucket/folder or "
        "file:///mnt/folder: data, weights, embeddings and results travel through it.",
        show_default=False,
    ),
]
