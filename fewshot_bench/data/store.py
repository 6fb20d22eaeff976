"""Data sets on this machine: ``$FSBENCH_HOME/data/NAME``, opened as memory-mapped arrays."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from fewshot_bench.data.arrays import load_numpy
from fewshot_bench.data.content import split_header, total_checksum
from fewshot_bench.data.dataset import EMBEDDED_BY, SPLITS, Dataset, ImageSplit, Split
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.entry import datasets
from fewshot_bench.data.write import FORMAT, dataset_folder, write_dataset
from fewshot_bench.data.write_embeddings import EMBEDDINGS
from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registry import canonical
from fewshot_bench.utilities.files import home, read_text

_ROWS = 4096  # hashed at a time


def stored_names() -> list[str]:
    """List the data sets on this machine."""
    return sorted(file.parent.name for file in (home() / "data").glob("[!.]*/dataset.json"))


def open_dataset(name: str) -> Dataset:
    """Open a data set by name; one that the harness can draw itself is drawn on first use.

    Raises:
        UsageError: no such name, or not on this machine yet; the message says how to get it.

    Example:
        >>> import fewshot_bench as fsb
        >>> test = fsb.load_dataset("glyphs")["test"]
        >>> len(test), len(test.class_names), test.image_shape
        (4160, 208, (1, 28, 28))
    """
    stored = stored_names()
    if name not in datasets and canonical(name) not in stored:
        hint = suggestion(canonical(name), {*datasets, *stored})
        raise UsageError(f"no dataset is called '{name}'; {hint}")
    if name not in datasets:
        return open_stored(name)
    entry = datasets[name]
    if entry.name not in stored:
        if entry.generate is None:
            raise UsageError(entry.how_to_get)
        _generate_once(entry.name)
    return open_stored(entry.name)


def stored_checksum(name: str) -> str | None:
    """Return the checksum of a data set on this machine, if it is there and readable."""
    try:
        text = read_text(dataset_folder(name) / "dataset.json")
        return str(json.loads(text)["checksum"])
    except (UsageError, OSError, ValueError, LookupError, TypeError):
        return None


def open_stored(name: str) -> Dataset:
    """Open what is stored under `name`.

    Raises:
        UsageError: the files are missing, damaged or of another version of the format.
    """
    path = dataset_folder(name)
    try:
        record = json.loads(read_text(path / "dataset.json"))
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}, not {FORMAT}")
        embedded = record.get("kind") == EMBEDDINGS
        names = [s for s in SPLITS if s in record["splits"]] if embedded else SPLITS
        splits = {split: _open_split(path, split, record) for split in names}
        facts = record["checksum"], record["provenance"]
        return Dataset(path.name, splits, *facts, _embedded_by(record) if embedded else None)
    except (OSError, ValueError, LookupError, TypeError, UsageError) as error:
        raise UsageError(
            f"dataset '{name}' cannot be read ({error}); delete {path} and get it again"
        ) from error


def verify(name: str) -> str:
    """Recompute the checksums of a data set and return the total.

    Raises:
        UsageError: a row, a name or a count differs from what was written.
    """
    data = open_dataset(name)
    for split in data.splits.values():
        rows = split.rows
        header = split_header(rows.shape[1:], split.class_names, split.class_counts.tolist())
        digest = hashlib.sha256(header)
        for start in range(0, len(rows), _ROWS):
            digest.update(rows[start : start + _ROWS].data)
        if digest.hexdigest() != split.checksum:
            raise UsageError(
                f"the {split.split} split of '{data.name}' is damaged, its checksum differs; "
                f"delete {dataset_folder(data.name)} and get it again"
            )
    found = [data[s].checksum if s in data.splits else "" for s in SPLITS]
    if total_checksum(found) != data.checksum:
        raise UsageError(f"dataset.json of '{data.name}' is damaged; get the data set again")
    return data.checksum


def _generate_once(name: str) -> None:
    """Draw a data set unless another process has done so meanwhile."""
    entry, path = datasets[name], dataset_folder(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if entry.generate and entry.name not in stored_names():
            write_dataset(entry.name, entry.generate())


def _open_split(path: Path, split: str, record: dict[str, Any]) -> Split:
    names, counts = zip(*record["splits"][split]["classes"], strict=True)
    rows = load_numpy(path / f"{split}.npy", mapped=True)
    facts: dict[str, Any] = {
        "dataset": path.name,
        "split": split,
        "class_names": names,
        "class_counts": np.array(counts, dtype=np.int64),
        "checksum": record["splits"][split]["sha256"],
    }
    embedded = record.get("kind") == EMBEDDINGS
    dtype, shape = ("<f4", [record["dim"]]) if embedded else ("|u1", record["image_shape"])
    if rows.dtype != np.dtype(dtype) or list(rows.shape) != [sum(counts), *shape]:
        raise ValueError(f"{split}.npy does not fit dataset.json")
    if embedded:
        return EmbeddingSplit(**facts, embeddings=rows)
    return ImageSplit(**facts, images=rows, mean=tuple(record["mean"]), std=tuple(record["std"]))


def _embedded_by(record: dict[str, Any]) -> str:
    return f"{EMBEDDED_BY}:{record['backbone']}" if record.get("backbone") else EMBEDDED_BY
