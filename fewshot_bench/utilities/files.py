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
from pathlib import Path
from typing import Any

import platformdirs

from fewshot_bench.errors import UsageError

# A disk that is full or may not be written; other errors are no fault of the disk.
_REFUSALS = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOTDIR", "EEXIST")


def home() -> Path:
    """Folder of data sets, weights and results: ``$FSBENCH_HOME`` or the user's data folder."""
    chosen = os.environ.get("FSBENCH_HOME")
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("fewshot_bench")


def stable_hash(value: object, length: int = 16) -> str:
    """Hash a JSON-like value: equal content gives an equal hash, whatever the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def is_refusal(error: OSError) -> bool:
    """Whether a disk refused to write: it is full, of a quota, read-only, or another's."""
    return errno.errorcode.get(error.errno or 0) in _REFUSALS


def cannot_write(path: object, reason: object) -> UsageError:
    """Say that a disk refused a file, and what to do."""
    return UsageError(
        f"cannot write {path} ({reason}); make room or choose another place (FSBENCH_HOME is the "
        "folder of data sets, weights and results)"
    )


def read_text(path: Path, most: int = 256 * 2**20) -> str:
    """Read a text of ours that somebody may have changed since.

    Raises:
        OSError: there is no such file.
        ValueError: it is no plain file, larger than `most` bytes, or not UTF-8.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe that nobody writes to, for example
        raise ValueError(f"{path.name} is no file")
    if status.st_size > most:
        raise ValueError(f"{path.name} has {status.st_size} bytes, too many")
    return path.read_text("utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, see `read_text`.

    Raises:
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
def _in_one_line(path: Path) -> Iterator[None]:
    """Name the file that a disk refused: the error of a full one does not."""
    try:
        yield
    except OSError as error:
        if not is_refusal(error):
            raise
        raise cannot_write(path, error.strerror) from error


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
