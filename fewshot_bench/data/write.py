"""Writing a data set: streamed, checked, and there as a whole or not at all."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.content import (
    ClassImages,
    ClassVectors,
    Content,
    split_header,
    total_checksum,
)
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.dataset_json import FORMAT
from fewshot_bench.data.pixel_statistics import PixelStatistics
from fewshot_bench.data.stored_rows import seal, state_of
from fewshot_bench.errors import UsageError
from fewshot_bench.registry import canonical
from fewshot_bench.utilities.files import atomic_folder, home

_LONGEST_NAME = 200  # file systems take 255, with what is put around it while it is written


def dataset_folder(name: str) -> Path:
    """Return the folder of the data set `name`: ``{train,val,test}.npy`` and ``dataset.json``.

    Raises:
        UsageError: the name could not be a folder of its own.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", canonical(name)):
        raise UsageError(f"'{name}' cannot name a dataset; use letters, digits, '-' and '.'")
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"'{name[:20]}...' cannot name a dataset; use at most {_LONGEST_NAME} letters"
        )
    return home() / "data" / canonical(name)


def write_dataset(
    name: str, content: Content, advance: Callable[[], object] = lambda: None
) -> None:
    """Write a data set, with no more than one class, or part of a large one, in memory.

    Args:
        name: under which it can be opened.
        content: the classes; each is read once, in order.
        advance: called after every class, for a progress bar.

    Raises:
        UsageError: a class is empty or in two places, or the disk is too small.
    """
    target = dataset_folder(name)
    check_classes(target.name, content.splits, SPLITS)
    with atomic_folder(target) as partial:
        check_space(partial, content.splits, int(np.prod(content.image_shape)))
        pixels = PixelStatistics(content.image_shape[2])
        splits = {}
        for split in SPLITS:
            seen = pixels.update if split == "train" else None
            rows = Rows(content.image_shape, "|u1", seen)
            splits[split] = write_split(partial, split, content.splits[split], rows, advance)
        facts = {
            "image_shape": list(content.image_shape),
            "mean": pixels.mean,
            "std": pixels.std,
        }
        write_facts(partial, target.name, splits, facts, content.provenance)


def write_facts(
    folder: Path,
    name: str,
    splits: dict[str, dict[str, Any]],
    facts: dict[str, Any],
    provenance: dict[str, object],
) -> None:
    """Write ``dataset.json``, which makes a data set of the arrays, and note their state.

    Args:
        folder: of the data set.
        name: of the data set.
        splits: what `write_split` returned of each.
        facts: of the kind of its rows.
        provenance: where they come from.
    """
    record = {
        "format": FORMAT,
        "name": name,
        **facts,
        "splits": splits,
        "checksum": total_checksum([splits[s]["sha256"] if s in splits else "" for s in SPLITS]),
        "provenance": provenance,
    }
    (folder / "dataset.json").write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    rows = {split: np.load(folder / f"{split}.npy", mmap_mode="r") for split in splits}
    seal(folder, state_of(folder, rows))


@dataclass(frozen=True)
class Rows:
    """What the rows of an array are.

    Attributes:
        shape: of one row.
        descr: their type, as numpy writes it in files.
        seen: is given the rows of each class as they are written.
    """

    shape: tuple[int, ...]
    descr: str
    seen: Callable[[NDArray[Any]], None] | None = None


def write_split(
    folder: Path,
    split: str,
    classes: Sequence[ClassImages | ClassVectors],
    rows: Rows,
    advance: Callable[[], object],
) -> dict[str, Any]:
    """Write one array by plain writes: a full disk is an error there, in a memory map a crash.

    Returns:
        What ``dataset.json`` says of the split: its SHA-256, and names and counts of its classes.
    """
    names, counts = [c.name for c in classes], [c.count for c in classes]
    digest = hashlib.sha256(split_header(rows.shape, names, counts))
    with (folder / f"{split}.npy").open("wb") as file:
        shape = (sum(counts), *rows.shape)
        header = {"descr": rows.descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for content in classes:
            for values in _read(content, rows):
                file.write(values.data)
                digest.update(values.data)
                if rows.seen:
                    rows.seen(values)
            advance()
    return {"sha256": digest.hexdigest(), "classes": list(zip(names, counts, strict=True))}


def _read(content: ClassImages | ClassVectors, rows: Rows) -> Iterator[NDArray[Any]]:
    count = 0
    for part in content.in_parts() if isinstance(content, ClassImages) else [content.read()]:
        values = np.ascontiguousarray(part)
        if values.dtype != np.dtype(rows.descr) or values.shape[1:] != rows.shape:
            raise ValueError(f"class '{content.name}' gave {values.dtype} {values.shape}")
        count += len(values)
        yield values
    if count != content.count:
        raise ValueError(f"class '{content.name}' gave {count} rows")


def check_classes(
    name: str,
    splits: Mapping[str, Sequence[ClassImages | ClassVectors]],
    needed: Sequence[str],
) -> None:
    """Refuse classes that would not make a data set.

    Args:
        name: of the data set.
        splits: its classes.
        needed: splits that must have some.

    Raises:
        UsageError: a split lacks, or a class is empty, twice there or not named in text.
    """
    seen: dict[str, str] = {}
    for split in SPLITS:
        if split in needed and not splits.get(split):
            raise UsageError(
                f"'{name}' would have no {split} classes; it needs {', '.join(needed)}"
            )
        for content in splits.get(split, ()):
            if content.name in seen:
                raise UsageError(
                    f"class {content.name!r} is both in {seen[content.name]} and in {split}; "
                    "a class belongs to one split, once"
                )
            if not _is_text(content.name):
                raise UsageError(
                    f"class {content.name!r} of {split} has a name that is not UTF-8; rename it"
                )
            if content.count < 1:
                raise UsageError(f"class {content.name!r} of {split} has no images")
            seen[content.name] = split


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode("utf-8"))
    except UnicodeEncodeError:  # a file system's bytes in another encoding
        return False


def check_space(
    folder: Path, splits: Mapping[str, Sequence[ClassImages | ClassVectors]], row_bytes: int
) -> None:
    """Refuse a data set that the disk has no room for.

    Raises:
        UsageError: how much is needed, and where.
    """
    n = sum(content.count for classes in splits.values() for content in classes)
    need, free = n * row_bytes, shutil.disk_usage(folder).free
    if need > free:
        raise UsageError(
            f"{need / 1e9:.1f} GB are needed in {folder.parent}, which has {free / 1e9:.1f} GB "
            "free; make room, or set FSBENCH_HOME to a folder on a larger disk"
        )
