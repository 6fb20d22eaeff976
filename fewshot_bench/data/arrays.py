"""Embeddings in a file of numpy's: named arrays, and no code."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

Arrays = dict[str, NDArray[np.generic]]


def read_npz(path: Path, *wanted: str) -> Arrays:
    """Read all arrays of an ``.npz`` file.

    Args:
        path: of the file.
        wanted: names that must be among them.

    Raises:
        UsageError: there is no such file, it is damaged, holds objects, or lacks an array.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: Arrays = dict(file.items())
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        raise UsageError(
            f"{path} is no .npz of plain arrays; write it with numpy.savez(FILE, X=X, y=y)"
        ) from None
    for name in wanted:
        if name not in arrays:
            found = ", ".join(sorted(arrays)) or "nothing"
            raise UsageError(f"{path} has no array '{name}' but {found}")
    return arrays
