"""``fsbench data``: what is on this machine, and how to get the rest."""

import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fewshot_bench.cli import import_options as options
from fewshot_bench.cli import options as run_options
from fewshot_bench.cli.printing import print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fewshot_bench.data.dataset import Dataset

app = typer.Typer(
    help="List, import, download, verify, export and look at data sets.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Data set, see 'fsbench data list'.")]


@app.command("list")
def list_datasets() -> None:
    """List the known data sets and those imported under names of your own."""
    from rich.table import Table

    from fewshot_bench.data.dataset import SPLITS
    from fewshot_bench.data.entry import datasets
    from fewshot_bench.data.store import open_stored, stored_names

    stored = set(stored_names())
    lines = []
    for entry in (datasets[name] for name in datasets):
        here = "yes" if entry.name in stored else "on first use" if entry.generate else "no"
        classes = " + ".join(map(str, entry.classes)) if any(entry.classes) else "any"
        shape = _times(entry.image_shape) if entry.image_shape else "embeddings"
        lines.append((entry.name, here, shape, classes, entry.images_per_class))
    for name in sorted(stored - set(datasets)):
        data = open_stored(name)
        counts = [len(data.splits[s].class_names) if s in data.splits else 0 for s in SPLITS]
        rows = [int(n) for split in data.splits.values() for n in split.class_counts]
        span = f"{min(rows)} to {max(rows)}"
        lines.append((name, "yes", _shape(data), " + ".join(map(str, counts)), span))
    print_table(Table("name", "here", "image", "classes", "images a class", box=None), lines)


@app.command("import")
def import_files(
    name: Name,
    path: Annotated[Path, typer.Argument(help="Archive, file or folder you have.")],
    as_name: Annotated[
        str | None, typer.Option("--name", help="Store it under another name.")
    ] = None,
    split_file: options.SplitFile = None,
    split: options.Split = None,
    split_seed: options.SplitSeed = None,
    min_images: options.MinImages = None,
    size: options.Size = None,
    skip_bad_images: options.SkipBad = False,
    labels: options.Labels = None,
    labels_per_split: options.LabelsPerSplit = False,
    backbone_name: options.BackboneName = None,
) -> None:
    """Import images or embeddings you have: read in place, checked, stored as an array a split.

    A folder of your own has the tree train|val|test/CLASS/image, or CLASS/image with --split or
    --split-file; it may be a zip archive. Images are PNG, JPEG, BMP, WEBP, GIF or TIFF, and are
    taken as a viewer shows them: upright, on white, 8 bits a channel, the first frame. Every file
    that is not stored is counted and named; so are classes left out with --min-images.

    Embeddings are a file .npz (X and y, or X_train, y_train, ...), .npy with --labels,
    .safetensors, .parquet or a pickled dictionary of classes, or a folder of train, val and test.
    Without a split all classes are test classes, for methods that need no others.
    """
    given = {
        "split_file": split_file,
        "split": split,
        "split_seed": split_seed,
        "min_images": min_images,
        "size": size,
        "labels": labels,
        "backbone_name": backbone_name,
        # Flags that are not given do not concern other data sets.
        "skip_bad_images": skip_bad_images or None,
        "labels_per_split": labels_per_split or None,
    }
    _import(name, path, as_name, **given)


@app.command("download")
def download(name: Name) -> None:
    """Download a data set from its authors, check it and import it; goes on where it was cut."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from fewshot_bench.data.importing import download_files
    from fewshot_bench.utilities.progress import console

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(name, total=None)
        path = download_files(
            name, lambda done, total: bar.update(task, completed=done, total=total or None)
        )
    _import(name, path, None)


@app.command("verify")
def verify_checksums(name: Name) -> None:
    """Compare all rows of a stored data set with their checksums; a run looks at a sample."""
    from fewshot_bench.data.store import verify

    print_line(f"{name} ok, checksum {verify(name)}")


@app.command("show")
def show(
    name: Name,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    ways: Annotated[int, typer.Option(help="Classes of the episode.")] = 5,
    shots: Annotated[int, typer.Option(help="Support images a class.")] = 1,
    queries: Annotated[int, typer.Option(help="Query images a class.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the stream of episodes.")] = 0,
    episode: Annotated[int, typer.Option(min=0, help="Which one of the stream.")] = 0,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("episode.png"),
) -> None:
    """Draw one episode, support above queries."""
    from fewshot_bench.data.store import open_dataset
    from fewshot_bench.episodes.picture import draw_episode
    from fewshot_bench.episodes.source import EpisodeSource
    from fewshot_bench.episodes.spec import EpisodeSpec
    from fewshot_bench.errors import UsageError, suggestion
    from fewshot_bench.utilities.files import require_writable

    require_writable(output)
    data = open_dataset(name)
    if data.backbone:
        raise UsageError(f"{name} holds embeddings; there is nothing to draw")
    if split not in data.splits:
        raise UsageError(f"no split is called '{split}'; {suggestion(split, data.splits)}")
    source = EpisodeSource(data[split], EpisodeSpec(ways, shots, queries), seed)
    draw_episode(source, episode, output)
    print_line(str(output))


@app.command("export")
def export(
    name: Name,
    backbone: run_options.Backbone = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".npz, .safetensors, .parquet or .pkl.")
    ] = Path("embeddings.npz"),
    preset: run_options.Preset = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the pretraining, as pretrain.epochs=60."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the pretraining.")] = 0,
    device: run_options.Device = "auto",
) -> None:
    """Write the embeddings of all splits by weights that 'fsbench run' has stored."""
    from fewshot_bench.runs.export import export_embeddings
    from fewshot_bench.utilities.devices import pick_device

    splits = export_embeddings(
        name,
        backbone,
        output,
        preset=preset,
        settings=settings or (),
        seed=seed,
        device=pick_device(device),
    )
    parts = [f"{split} {len(rows)} x {rows.dim}" for split, rows in splits.items()]
    print_line(f"{output}: {', '.join(parts)}")


def _import(name: str, path: Path, as_name: str | None, **options: object) -> None:
    from fewshot_bench.data.importing import import_dataset
    from fewshot_bench.data.left_out import counted, files_left_out, lines_left_out
    from fewshot_bench.data.viewing import lines_changed

    data = import_dataset(name, path, as_name=as_name, progress=_bar, **options)
    what = f"embeddings of length {_shape(data)}" if data.backbone else "images"
    parts = [
        f"{split} {len(rows.class_names)} classes, {len(rows)} {what}"
        for split, rows in data.splits.items()
    ]
    if n_files := files_left_out(data.provenance):
        parts.append(f"{counted(n_files)} left out")
    for line in (*lines_changed(data.provenance), *lines_left_out(data.provenance)):
        _print(line)
    _print(f"{data.name}: {'; '.join(parts)}")


def _print(line: str) -> None:
    """Print a line with names of files, which not every terminal can show."""
    coding = sys.stdout.encoding or "utf-8"
    print_line(line.encode(coding, "backslashreplace").decode(coding))


@contextmanager
def _bar(n_classes: int) -> "Iterator[Callable[[], object]]":
    from fewshot_bench.utilities.progress import Bar

    steps = count(1)
    with Bar("importing classes", n_classes).live() as bar:
        yield lambda: bar.update(next(steps))


def _shape(data: "Dataset") -> str:
    """Size and channels of images, or the length of embeddings."""
    shape = data["test"].rows.shape[1:]
    return "x".join(map(str, shape))


def _times(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, (*shape[1:], shape[0])))
