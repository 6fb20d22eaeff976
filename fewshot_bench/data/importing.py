"""From a name and a path, or a name alone, to a data set in the store."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from fewshot_bench.data.content import EmbeddingContent
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.download import BytesProgress, fetch
from fewshot_bench.data.entry import datasets
from fewshot_bench.data.images import quiet_pillow
from fewshot_bench.data.store import open_stored
from fewshot_bench.data.write import dataset_folder, write_dataset
from fewshot_bench.data.write_embeddings import write_embeddings
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import home

ClassProgress = Callable[[int], AbstractContextManager[Callable[[], object]]]


def import_dataset(
    name: str,
    path: Path,
    *,
    as_name: str | None = None,
    progress: ClassProgress = lambda _n_classes: nullcontext(lambda: None),
    **options: object,
) -> Dataset:
    """Read what a user has downloaded, and store it.

    Args:
        name: registry name.
        path: what the data set's reader takes.
        as_name: under which it is stored, if not under `name`.
        progress: given the number of classes, opens what is called after every class.
        **options: of the reader; None means not given.

    Raises:
        UsageError: there is nothing to import, an option does not apply, or the input is bad.
    """
    entry = datasets[name]
    if entry.read is None:
        raise UsageError(f"{entry.name} is drawn on first use, there is nothing to import")
    target = dataset_folder(as_name or entry.name).name
    if target != entry.name and target in datasets:
        raise UsageError(f"'{target}' is the name of a known dataset; choose another --name")
    given = {key: value for key, value in options.items() if value is not None}
    if unfit := sorted(given.keys() - entry.options):
        raise UsageError(f"--{unfit[0].replace('_', '-')} does not apply to {entry.name}")
    with quiet_pillow(), entry.read(path, **given) as content:
        n_classes = sum(map(len, content.splits.values()))
        with progress(n_classes) as advance:
            if isinstance(content, EmbeddingContent):
                write_embeddings(target, content, advance)
            else:
                write_dataset(target, content, advance)
    return open_stored(target)


def download_files(name: str, progress: BytesProgress) -> Path:
    """Download the files of a data set and return the path to import.

    Raises:
        UsageError: it cannot be downloaded by this program.
    """
    entry = datasets[name]
    if entry.generate:
        raise UsageError(f"{entry.name} is drawn on first use, there is nothing to download")
    if not entry.downloads:
        raise UsageError(
            f"{entry.name} cannot be downloaded without its owners' consent; get it from them, "
            f"then 'fsbench data import {entry.name} PATH'"
        )
    files = [fetch(d, home() / "downloads", progress) for d in entry.downloads]
    return files[0] if len(files) == 1 else files[0].parent
