"""Data sets on this machine: ``$FSBENCH_HOME/data/NAME``, opened as memory-mapped arrays."""

from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from fewshot_bench.data.dataset import SPLITS, Dataset, ImageSplit, Split
from fewshot_bench.data.dataset_json import DatasetFacts, read_facts
from fewshot_bench.data.drawn import DRAWN
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.entry import datasets
from fewshot_bench.data.stored_rows import is_sealed, open_rows, seal, state_of
from fewshot_bench.data.verifying import check_content
from fewshot_bench.data.write import dataset_folder, write_dataset
from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registry import canonical
from fewshot_bench.utilities.files import home, read_json


def stored_names() -> list[str]:
    """List the data sets on this machine, but not what another version of the harness drew."""
    found = (file.parent.name for file in (home() / "data").glob("[!.]*/dataset.json"))
    return sorted(name for name in found if not _is_outdated(name))


def open_dataset(name: str) -> Dataset:
    """Open a data set by name; one that the harness can draw itself is drawn on first use.

    That nothing changed is told by sizes, times and a sample of the rows; where they differ, as
    after copying, or were never taken, all rows are compared with their checksums.

    Raises:
        UsageError: no such name, or not on this machine yet, or damaged; the message says how to
            get it.

    Example:
        >>> import fewshot_bench as fsb
        >>> test = fsb.load_dataset("glyphs")["test"]
        >>> len(test), len(test.class_names), test.image_shape
        (4140, 207, (1, 28, 28))
    """
    data = open_stored(_stored_name(name))
    folder, state = _state(data)
    if not is_sealed(folder, state):
        check_content(data, folder)
        seal(folder, state)
    return data


def verify(name: str) -> str:
    """Recompute the checksums of a data set and return the total.

    Raises:
        UsageError: a row, a name or a count differs from what was written, or is not finite.
    """
    data = open_stored(_stored_name(name))
    folder, state = _state(data)
    check_content(data, folder)
    seal(folder, state)
    return data.checksum


def _state(data: Dataset) -> tuple[Path, dict[str, Any]]:
    folder = dataset_folder(data.name)
    return folder, state_of(folder, {name: split.rows for name, split in data.splits.items()})


def _stored_name(name: str) -> str:
    """Find the name of a data set that is stored, or draw it."""
    stored = stored_names()
    if name not in datasets and canonical(name) not in stored:
        hint = suggestion(canonical(name), {*datasets, *stored})
        own = "'fsbench data import' brings your own in"
        raise UsageError(f"no dataset is called '{name}'; {hint} ({own})")
    if name not in datasets:
        return name
    entry = datasets[name]
    if entry.name not in stored:
        if entry.generate is None:
            raise UsageError(entry.how_to_get)
        _generate_once(entry.name)
    return entry.name


def stored_checksum(name: str) -> str | None:
    """Return the checksum of one of `stored_names`; None if it is no such, or not readable."""
    if _is_outdated(name):
        return None
    try:
        return str(read_json(dataset_folder(name) / "dataset.json")["checksum"])
    except (UsageError, OSError, ValueError, LookupError):
        return None


def open_stored(name: str) -> Dataset:
    """Open what is stored under `name`, and compare no content with its checksum.

    Raises:
        UsageError: the files are missing, damaged or of another version of the format.
    """
    path = dataset_folder(name)
    try:
        facts = read_facts(path)
        names = [split for split in SPLITS if split in facts.splits]
        splits: dict[str, Split] = {split: _open_split(path, split, facts) for split in names}
    except (OSError, ValueError, UsageError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise UsageError(
            f"dataset '{name}' cannot be read ({reason}); delete {path} and get it again"
        ) from error
    return Dataset(path.name, splits, facts.checksum, facts.provenance, facts.embedded_by)


def _is_outdated(name: str) -> bool:
    """Whether the harness draws this data set, and another version of it drew what is stored."""
    if name not in DRAWN:
        return False
    try:
        provenance = read_json(dataset_folder(name) / "dataset.json")["provenance"]
        return bool(provenance["version"] != DRAWN[name])
    except (UsageError, OSError, ValueError, LookupError, TypeError):
        return False  # whoever opens it says what is wrong


def _generate_once(name: str) -> None:
    """Draw a data set unless another process has done so meanwhile."""
    entry, path = datasets[name], dataset_folder(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if entry.generate and entry.name not in stored_names():
            write_dataset(entry.name, entry.generate())


def _open_split(path: Path, split: str, facts: DatasetFacts) -> Split:
    told = facts.splits[split]  # type: ignore[index]
    names, counts = zip(*told.classes, strict=True)
    dtype, shape = facts.row
    rows = open_rows(path / f"{split}.npy", dtype, (sum(counts), *shape))
    known: dict[str, Any] = {
        "dataset": path.name,
        "split": split,
        "class_names": names,
        "class_counts": np.array(counts, dtype=np.int64),
        "checksum": told.sha256,
    }
    if facts.kind:
        return EmbeddingSplit(**known, embeddings=rows)
    return ImageSplit(**known, images=rows, mean=facts.mean, std=facts.std)
