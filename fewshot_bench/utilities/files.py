"""Where things are kept, and how files are written so that no half-made one is ever trusted."""

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import platformdirs

from fewshot_bench.errors import UsageError

# A disk that is full or may not be written; other errors are no fault of the disk.
_REFUSALS = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOTDIR", "EEXIST", "EISDIR")


def home() -> Path:
    """Folder of data sets, weights and results: ``$FSBENCH_HOME`` or the user's data folder."""
    chosen = os.environ.get("FSBENCH_HOME")
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("fewshot_bench")


def printable(name: str) -> str:
    """Write the bytes of a name that is not UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def stable_hash(value: object, length: int = 16) -> str:
    """Hash a JSON-like value: equal content gives an equal hash, whatever the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


class CannotWriteError(UsageError):
    """A disk refuses to be written, whatever it is that is to be written."""


def is_refusal(error: OSError) -> bool:
    """Whether a disk refused to write: it is full, of a quota, read-only, or another's."""
    return errno.errorcode.get(error.errno or 0) in _REFUSALS


def cannot_write(path: object, reason: object) -> CannotWriteError:
    """Say that a disk refused a file, and what to do."""
    return CannotWriteError(
        f"cannot write {path} ({reason}); make room or choose another place (FSBENCH_HOME is the "
        "folder of data sets, weights and results)"
    )


def require_writable(path: Path) -> None:
    """Refuse a place where no file can be made, before any work is done for it.

    Args:
        path: of a file or folder that may not be there yet, nor the folders above it.

    Raises:
        UsageError: nothing can be made there, and why.
    """
    folder = path.absolute()
    try:
        while not folder.is_dir():
            if folder.exists() and folder != path.absolute():
                raise NotADirectoryError(0, f"{folder} is a file")
            folder = folder.parent
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(path, error.strerror) from error


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """Name the file that a disk refused: the error of a full one does not."""
    try:
        yield
    except OSError as error:
        if not is_refusal(error):
            raise
        raise cannot_write(path, error.strerror) from error


def require_regular(path: Path, otherwise: str = "no plain file") -> None:
    """Refuse a pipe, a device, a socket or a folder: opening some of them waits for ever.

    Everything that a user names, and everything that is stored, is opened by `open_regular`, or
    asked here first if another library opens it.

    Args:
        path: of a file.
        otherwise: what it is if it is none, for the message.

    Raises:
        UsageError: it is there, and is something else.
        FileNotFoundError: there is nothing of this name.
        OSError: nobody can tell what it is.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise UsageError(f"{path} is {otherwise}; a plain file is needed there")


def open_regular(path: Path, otherwise: str = "no plain file") -> BufferedReader:
    """Open a plain file for reading, at once or not at all.

    Args:
        path: of the file.
        otherwise: what it is if it is none, for the message.

    Raises:
        UsageError: as `require_regular`; also if it is another thing by the time it is opened.
        OSError: it cannot be opened.
    """
    require_regular(path, otherwise)
    at_once = getattr(os, "O_NONBLOCK", 0)  # for whoever might write to a pipe nobody waits
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | at_once)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is {otherwise}; a plain file is needed there")
    return os.fdopen(descriptor, "rb")


def read_text(path: Path, otherwise: str = "no plain file", most: int = 256 * 2**20) -> str:
    """Read a plain file of UTF-8 text; a mark of the byte order at its beginning is none of it.

    Args:
        path: of the file.
        otherwise: what it is if it is none, for the message.
        most: bytes that it may have.

    Raises:
        UsageError: as `open_regular`.
        OSError: it cannot be opened.
        ValueError: it is no UTF-8, or has more than `most` bytes.
    """
    with open_regular(path, otherwise) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"{path.name} has {size} bytes, too many")
        return file.read(most).decode("utf-8-sig")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, see `read_text`.

    Raises:
        UsageError: it is no plain file.
        OSError: there is no such file.
        ValueError: it holds something else.
    """
    try:
        value = json.loads(read_text(path))
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return value


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it to `path`.

    Raises:
        UsageError: the disk is full, or may not be written.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with _in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            _sync(partial)
            partial.replace(path)
            _sync(path.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it replaces `path` by renaming.

    Raises:
        UsageError: the disk is full, or may not be written.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with _in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            yield partial
            for file in partial.iterdir():
                _sync(file)
            _replace_folder(partial, path)
            _sync(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _replace_folder(partial: Path, path: Path) -> None:
    if not path.exists():
        partial.replace(path)
        return
    retired = partial.with_suffix(".retired")
    path.replace(retired)
    partial.replace(path)
    shutil.rmtree(retired)


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk, so that a rename never precedes the content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
