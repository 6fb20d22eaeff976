"""One store for the files of many homes, at an address that fsspec knows.

Of each file ``index/NAME`` tells the digest, and ``blobs/DIGEST`` is the content. A blob is written
under another name and then moved, and its line in the index comes last: whoever reads sees a whole
file or none, however many write it at once and whoever of them is killed.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_file, home

_CHUNK = 2**22
_FOLDERS = ("index", "blobs", "partial")


class StoreError(UsageError):
    """The shared store cannot be used, or what it holds is damaged."""


class SharedStore:
    """Files by name, each there as a whole or not at all.

    Args:
        url: as fsspec takes it, e.g. ``s3://bucket/folder`` or ``file:///mnt/folder``.

    Raises:
        StoreError: the address is malformed, or is of a protocol that is not installed.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url = url
        with self._in_one_line():
            self._fs, root = url_to_fs(url)
            self._root = str(root).rstrip("/")
            self.url = self._fs.unstrip_protocol(self._root)

    def prepare(self) -> None:
        """Make the store unless it is there, and write to it.

        Raises:
            StoreError: it cannot be written.
        """
        with self._in_one_line():
            for folder in _FOLDERS:
                self._fs.makedirs(f"{self._root}/{folder}", exist_ok=True)
        probe = f"probe+{uuid.uuid4().hex}"
        self._write("index", probe, b"{}")
        with self._in_one_line():
            self._fs.rm_file(self._path("index", probe))

    def digest_of(self, name: str) -> str | None:
        """Return the SHA-256 of a file; None if the store has it not.

        Raises:
            StoreError: the store cannot be used.
        """
        content = self._read("index", name)
        try:
            digest = json.loads(content or b"{}").get("sha256")
        except (ValueError, AttributeError):  # whoever wrote it was killed
            return None
        return digest if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) else None

    def has(self, name: str) -> bool:
        """Whether there is a file of a name."""
        return self.digest_of(name) is not None

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if the store has it not.

        Raises:
            StoreError: the store cannot be used, or the content is not what was put.
        """
        digest = self.digest_of(name)
        return None if digest is None else b"".join(self._chunks(name, digest))

    def put(self, name: str, content: Path | bytes, replace: bool = True) -> None:
        """Keep a file under a name; does nothing if it is there.

        Args:
            name: ``/``-separated.
            content: the file, or its bytes.
            replace: also if another content is there.

        Raises:
            StoreError: the store cannot be used.
        """
        there = self.digest_of(name)
        if there is not None and not replace:
            return
        if isinstance(content, bytes):
            digest = hashlib.sha256(content).hexdigest()
        else:
            digest = file_digest(content)
        if there != digest:
            self._write("blobs", digest, content)
            told = {"sha256": digest, "name": name}
            self._write("index", name, json.dumps(told).encode())

    def fetch(self, name: str, path: Path) -> bool:
        """Make a local file what the store has; return whether it has anything.

        Raises:
            StoreError: the store cannot be used, or the content is not what was put.
            UsageError: the disk is full, or may not be written.
        """
        digest = self.digest_of(name)
        if digest is None:
            return False
        if not (path.exists() and file_digest(path) == digest):
            with atomic_file(path) as partial, partial.open("wb") as file:
                for chunk in self._chunks(name, digest):
                    file.write(chunk)
        return True

    def _chunks(self, name: str, digest: str) -> Iterator[bytes]:
        """Yield a content, and fail at its end if it is another."""
        found = hashlib.sha256()
        with self._in_one_line(), self._fs.open(self._path("blobs", digest), "rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                yield chunk
        if found.hexdigest() != digest:
            raise StoreError(
                f"{name} is damaged in the store; delete {self._path('index', name)} in "
                f"{_hidden(self.url)}, and run again"
            )

    def _read(self, folder: str, name: str) -> bytes | None:
        with self._in_one_line():
            try:
                return bytes(self._fs.cat_file(self._path(folder, name)))
            except FileNotFoundError:
                return None

    def _write(self, folder: str, name: str, content: Path | bytes) -> None:
        """Write under another name, and move."""
        partial = self._path("partial", uuid.uuid4().hex)
        with self._in_one_line():
            try:
                if isinstance(content, bytes):
                    self._fs.pipe_file(partial, content)
                else:
                    self._fs.put_file(str(content), partial)
                self._fs.mv(partial, self._path(folder, name))
            except BaseException:
                with suppress(Exception):
                    self._fs.rm_file(partial)
                raise

    def _path(self, folder: str, name: str) -> str:
        return f"{self._root}/{folder}/{name.replace('/', '+')}"

    @contextmanager
    def _in_one_line(self) -> Iterator[None]:
        try:
            yield
        except UsageError:
            raise
        except Exception as error:
            reason = _hidden(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
            raise StoreError(
                f"the store {_hidden(self.url)} cannot be used ({reason}); see --store"
            ) from None


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read again only if size or time changed."""
    state = path.stat()
    return _digest(path, (state.st_size, state.st_mtime_ns, state.st_ino))


@lru_cache(maxsize=4096)
def _digest(path: Path, _state: Any) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hidden(text: str) -> str:
    """Leave out what stands before the host of an address."""
    return re.sub(r"://[^/\s]*@", "://***@", text)


# What a process that works with others brings before it makes it, and shares when it has made it.
_in_use: list[SharedStore] = []


@contextmanager
def sharing_through(store: SharedStore) -> Iterator[None]:
    """Let `bring` and `share` use a store while the block lasts; otherwise they do nothing."""
    _in_use.append(store)
    try:
        yield
    finally:
        _in_use.pop()


def bring(path: Path, replace: bool = True) -> None:
    """Bring a file of the home that another machine may have made; hold its lock.

    Args:
        path: of the file.
        replace: also if another one is here.
    """
    if _in_use and (replace or not path.exists()):
        _in_use[-1].fetch(name_of(path), path)


def share(path: Path, replace: bool = True) -> None:
    """Let other machines have a file of the home; hold its lock.

    Args:
        path: of the file.
        replace: also if another one is there.
    """
    if _in_use:
        _in_use[-1].put(name_of(path), path, replace)


def name_of(path: Path) -> str:
    """Name in the store of a file of the home, wherever that lies."""
    return path.relative_to(home()).as_posix()
