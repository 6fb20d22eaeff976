"""The arrays of a data set on disk: opened as what they should be, and told apart from others."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.arrays import NUMPY_DAMAGE
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_file, read_json

SEAL = "checked.json"  # beside dataset.json: what was there when all of it was checked
_SAMPLE = 64  # rows, all over an array
Rows = Mapping[str, NDArray[Any]]


def open_rows(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map an array into memory.

    Args:
        path: of the ``.npy`` file.
        dtype: that it must have.
        shape: likewise, ``[N, ...]``.

    Raises:
        OSError: there is no such file.
        ValueError: it is damaged, or another array.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    try:
        with np.errstate(over="raise"):
            rows = np.lib.format.open_memmap(path, mode="r")
        whole = rows.offset + rows.nbytes == path.stat().st_size and rows.flags.c_contiguous
    except NUMPY_DAMAGE:
        raise ValueError(f"{path.name} is damaged") from None
    if rows.dtype != np.dtype(dtype) or rows.shape != shape or not whole:
        raise ValueError(f"{path.name} does not fit dataset.json")
    mapped: NDArray[Any] = rows
    return mapped


def state_of(folder: Path, rows: Rows) -> dict[str, Any]:
    """Take the facts that tell quickly whether a data set changed: a few milliseconds.

    Args:
        folder: of the data set.
        rows: of each split.

    Returns:
        Of each array size, time of its last change and digest of a sample of its rows, each at
        its place; and the digest of ``dataset.json``. JSON-like.
    """
    arrays = {}
    for split, array in rows.items():
        status = (folder / f"{split}.npy").stat()
        places = np.unique(np.linspace(0, len(array) - 1, _SAMPLE).astype(np.int64))
        sample = hashlib.sha256(np.ascontiguousarray(array[places]).data).hexdigest()
        arrays[split] = [status.st_size, status.st_mtime_ns, sample]
    facts = hashlib.sha256((folder / "dataset.json").read_bytes()).hexdigest()
    return {"arrays": arrays, "facts": facts}


def is_sealed(folder: Path, state: dict[str, Any]) -> bool:
    """Whether a data set is in the state in which all of it was checked."""
    try:
        return read_json(folder / SEAL) == state
    except (OSError, ValueError, UsageError):
        return False


def seal(folder: Path, state: dict[str, Any]) -> None:
    """Note the state of a data set that was checked; one that may not be written stays as it is."""
    with suppress(OSError, UsageError), atomic_file(folder / SEAL) as partial:
        partial.write_text(json.dumps(state), "utf-8")
