"""Embeddings in a file of numpy's: named arrays, and no code."""

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import require_regular

_MAX_EXPANSION = 4  # times the size of a compressed file
_FREE_EXPANSION = 256 * 2**20  # bytes to which any may expand
Arrays = dict[str, NDArray[np.generic]]
# What numpy raises for content that it did not write; headers are parsed as Python.
NUMPY_DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    SyntaxError,
    EOFError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_numpy(path: Path, mapped: bool = False) -> Any:
    """Open an ``.npy`` or ``.npz``; it holds no objects, and expands to what it may be worth.

    Args:
        path: of the file.
        mapped: leave an ``.npy`` on the disk.

    Raises:
        UsageError: it is no plain file.
        Exception: what numpy raises.
    """
    require_regular(path)
    found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    if isinstance(found, np.lib.npyio.NpzFile):
        size = path.stat().st_size
        expanded = sum(info.file_size for info in found.zip.infolist()) if found.zip else 0
        if expanded > max(_FREE_EXPANSION, _MAX_EXPANSION * size):
            raise UsageError(
                f"{path} expands to more than {_MAX_EXPANSION} times its size; write it with "
                "numpy.savez, not compressed"
            )
    return found


def read_npz(path: Path, *wanted: str) -> Arrays:
    """Read all arrays of an ``.npz`` file.

    Args:
        path: of the file.
        wanted: names that must be among them.

    Raises:
        UsageError: there is no such file, it is damaged, holds objects, or lacks an array.
    """
    try:
        with load_numpy(path) as file:
            arrays: Arrays = dict(file.items())
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, *NUMPY_DAMAGE):
        raise UsageError(
            f"{path} is no .npz of plain arrays; write it with numpy.savez(FILE, X=X, y=y)"
        ) from None
    for name in wanted:
        if name not in arrays:
            found = ", ".join(sorted(arrays)) or "nothing"
            raise UsageError(f"{path} has no array '{name}' but {found}")
    return arrays
