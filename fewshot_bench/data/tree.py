"""Files of a folder or a zip archive, read in place: nothing is ever extracted."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from fewshot_bench.data.archive import checked_size
from fewshot_bench.data.left_out import CYCLE, EMPTY, HIDDEN, NO_FILE, LeftOut, is_hidden
from fewshot_bench.data.zip_tree import ZipTree, open_zip
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular

NO_TREE = "neither a folder nor a zip archive"
MOST_VISITS = 100  # ways by which links may lead to one folder: their number can grow as 2^depth
Above = frozenset[tuple[int, int]]  # device and inode of a folder and of all that it lies in


class FileTree(Protocol):
    """Named files; hidden ones and those of the system are none of them.

    Attributes:
        where: for messages.
        files: sorted ``/``-separated names relative to the root.
        folders: sorted names of folders: at least those with files right inside them, those
            with hidden ones alone, and empty ones.
        left_out: what is hidden, leads nowhere or in a circle, or is empty.
    """

    where: str
    files: list[str]
    folders: list[str]
    left_out: LeftOut

    def read(self, file: str, size: int | None = None) -> bytes:
        """Return the content of one of `files`, or its first `size` bytes."""

    def size(self, file: str) -> int:
        """Return how many bytes one of `files` says that it has."""


class FolderTree:
    """Regular files below a folder. Links are followed, wherever they lead but upwards.

    Raises:
        UsageError: a folder cannot be read, or links lead to one in too many ways.
    """

    def __init__(self, path: Path) -> None:
        self.where, self._path, self.left_out = str(path), path, LeftOut()
        self.files: list[str] = []
        self.folders: list[str] = []
        self._visits: Counter[tuple[int, int]] = Counter()
        pending = [("", frozenset({_identity(path)}))]
        while pending:
            folder, above = pending.pop()
            for entry in self._entries(folder):
                if inner := self._take(entry, folder + entry.name, above):
                    pending.append(inner)
        self.files.sort()
        self.folders.sort()

    def read(self, file: str, size: int | None = None) -> bytes:
        """Return the content of a file, or the beginning of it.

        Raises:
            UsageError: it cannot be read, or is larger than any image.
        """
        path = self._path / file
        try:
            with open_regular(path) as stream:
                checked_size(os.fstat(stream.fileno()).st_size, str(path))
                return stream.read() if size is None else stream.read(size)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error

    def size(self, file: str) -> int:
        """Return the bytes of a file; 0 if nobody can tell, as `read` will."""
        with suppress(OSError):
            return (self._path / file).stat().st_size
        return 0

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._path / folder) as found:
                entries = list(found)
        except OSError as error:
            raise UsageError(f"{self._path / folder} cannot be read: {error.strerror}") from error
        if folder and not entries:
            self.left_out.add(EMPTY, folder, 0)
        return entries

    def _take(self, entry: os.DirEntry[str], name: str, above: Above) -> tuple[str, Above] | None:
        """File an entry where it belongs; return a folder that is to be listed, and those above."""
        is_folder = _is_folder(entry)
        if is_hidden(entry.name):
            self.left_out.add(HIDDEN, *_as_a_whole(entry, name) if is_folder else (name, 1))
        elif is_folder:
            return self._enter(name, above)
        elif is_folder is None or not entry.is_file():
            self.left_out.add(NO_FILE, name)
        else:
            self.files.append(name)
        return None

    def _enter(self, name: str, above: Above) -> tuple[str, Above] | None:
        place = _identity(self._path / name)
        if place in above:
            self.left_out.add(CYCLE, f"{name}/", 0)
            return None
        self._visits[place] += 1
        if self._visits[place] > MOST_VISITS:
            raise UsageError(
                f"links in {self.where} lead to {name!r} in more than {MOST_VISITS} ways; give a "
                "folder without these links"
            )
        self.folders.append(name)
        return f"{name}/", above | {place}


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool | None:
    """Whether an entry is a folder or a link to one; None for a link that only leads to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return None


def _as_a_whole(entry: os.DirEntry[str], name: str) -> tuple[str, int]:
    """Name a folder, with the number of files in it; links there are not followed."""
    linked = entry.is_symlink()
    return f"{name}/", 0 if linked else sum(len(files) for _, _, files in os.walk(entry.path))


@contextmanager
def open_tree(path: Path) -> Iterator[FileTree]:
    """Open a folder or a zip archive.

    Raises:
        UsageError: there is no such path, or it is neither.
    """
    try:
        stream = None if path.is_dir() else open_regular(path, NO_TREE)
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if stream is None:
        yield FolderTree(path)
        return
    with stream, open_zip(stream, path) as archive:
        yield ZipTree(archive, path)
