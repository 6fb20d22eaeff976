"""Files of a folder or a zip archive, read in place: nothing is ever extracted."""

import os
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from fewshot_bench.data.archive import MAX_FILE_BYTES, check_members, check_name, zip_members
from fewshot_bench.data.left_out import CYCLE, EMPTY, HIDDEN, NO_FILE, LeftOut
from fewshot_bench.errors import UsageError

ZIP_ERRORS = (  # what zipfile raises for damage
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
MOST_VISITS = 100  # ways by which links may lead to one folder: their number can grow as 2^depth
_SYSTEM = (  # what macOS, Windows and storage boxes leave in folders, in lower case
    "__macosx",
    "@eadir",
    "@recycle",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
)
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


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's own making."""
    return name.startswith(".") or name.lower() in _SYSTEM


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
            _checked_size(path.stat().st_size, str(path))
            with path.open("rb") as stream:
                return stream.read() if size is None else stream.read(size)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error

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


class ZipTree:
    """Members of a zip archive.

    Raises:
        UsageError: as `check_members`.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.where, self._archive, self.left_out = str(path), archive, LeftOut()
        members = zip_members(archive)
        check_members(self.where, members, path.stat().st_size)
        self._known = {""}  # folders that have entries of their own or anything right inside them
        self.files = sorted(m.name for m in members if not self._hides(m.name))
        self._list_folders()
        self.folders = sorted(self._known - {""})

    def read(self, file: str, size: int | None = None) -> bytes:
        """Return the content of a member, or the beginning of it.

        Raises:
            UsageError: the member is damaged or larger than any image.
        """
        most = _checked_size(self._archive.getinfo(file).file_size, f"{self.where}: {file!r}")
        try:
            with self._archive.open(file) as member:  # bounded: what a header says may be a lie
                return member.read(most if size is None else min(size, most))
        except (*ZIP_ERRORS, OSError) as error:
            raise UsageError(f"{self.where}: {file!r} is damaged; get the archive again") from error

    def _hides(self, name: str) -> bool:
        """Leave out a member that is hidden, under the name of the folder that hides it."""
        parts = PurePosixPath(name).parts
        depth = next((i for i, part in enumerate(parts, 1) if is_hidden(part)), None)
        self._known.add("/".join(parts[: (depth or len(parts)) - 1]))
        if depth is not None:
            self.left_out.add(HIDDEN, "/".join(parts[:depth]) + "/" * (depth < len(parts)))
        return depth is not None

    def _list_folders(self) -> None:
        """Take the archive's own entries for folders; some of them are empty."""
        entries = sorted(self._archive.namelist())
        for entry in entries:
            parts = PurePosixPath(entry).parts
            if entry[-1:] != "/" or not parts or any(map(is_hidden, parts)):
                continue
            check_name(self.where, entry)
            self._known.add("/".join(parts))
            after = bisect_right(entries, entry)
            if after == len(entries) or not entries[after].startswith(entry):
                self.left_out.add(EMPTY, "/".join(parts) + "/", 0)


def _checked_size(size: int, where: str) -> int:
    if size > MAX_FILE_BYTES:
        raise UsageError(f"{where} is larger than {MAX_FILE_BYTES} bytes")
    return size


@contextmanager
def open_tree(path: Path) -> Iterator[FileTree]:
    """Open a folder or a zip archive.

    Raises:
        UsageError: there is no such path, or it is neither.
    """
    if path.is_dir():
        yield FolderTree(path)
        return
    if not path.exists():
        raise UsageError(f"{path} does not exist")
    if not path.is_file():  # opening a pipe would wait for ever
        raise UsageError(f"{path} is neither a folder nor a zip archive")
    try:
        archive = zipfile.ZipFile(path)
    except (*ZIP_ERRORS, OSError) as error:
        raise UsageError(f"{path} is not a whole zip archive; get it again") from error
    with archive:
        yield ZipTree(archive, path)
