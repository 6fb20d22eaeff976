"""Files of a folder or a zip archive, read in place: nothing is ever extracted."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from fewshot_bench.errors import UsageError

MAX_FILE_BYTES = 256 * 2**20  # far above any image; bounds what a hostile archive can expand to


class FileTree(Protocol):
    """Named files.

    Attributes:
        where: for messages.
        files: sorted ``/``-separated names relative to the root.
    """

    where: str
    files: list[str]

    def read(self, file: str) -> bytes:
        """Return the content of one of `files`."""


class FolderTree:
    """Files below a folder; links are followed, each folder once."""

    def __init__(self, path: Path) -> None:
        self.where, self._path = str(path), path
        self.files = sorted(self._walk())

    def read(self, file: str) -> bytes:
        """Return the content of a file.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            return (self._path / file).read_bytes()
        except OSError as error:
            raise UsageError(f"{self._path / file} cannot be read: {error.strerror}") from error

    def _walk(self) -> Iterator[str]:
        seen = set()
        for root, folders, files in os.walk(self._path, followlinks=True):
            if (real := os.path.realpath(root)) in seen:
                folders.clear()
                continue
            seen.add(real)
            for file in files:
                yield (Path(root) / file).relative_to(self._path).as_posix()


class ZipTree:
    """Members of a zip archive.

    Raises:
        UsageError: a member's name leaves the archive, or a member is a link or encrypted.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.where, self._archive = str(archive.filename), archive
        members = [m for m in archive.infolist() if not m.is_dir()]
        for member in members:
            check_member(self.where, member.filename)
            if stat.S_ISLNK(member.external_attr >> 16) or member.flag_bits & 1:
                raise UsageError(f"{self.where}: '{member.filename}' is a link or is encrypted")
        self.files = sorted({m.filename for m in members})

    def read(self, file: str) -> bytes:
        """Return the content of a member.

        Raises:
            UsageError: the member is damaged or larger than any image.
        """
        if self._archive.getinfo(file).file_size > MAX_FILE_BYTES:
            raise UsageError(f"{self.where}: '{file}' is larger than {MAX_FILE_BYTES} bytes")
        try:
            return self._archive.read(file)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, zlib.error) as error:
            raise UsageError(f"{self.where}: '{file}' is damaged; get the archive again") from error


def check_member(where: str, name: str) -> None:
    """Refuse the name of an archive's member that points out of the archive.

    Raises:
        UsageError: the name is absolute, has ``..``, a backslash, a drive or a zero byte.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or any(c in name for c in "\\:\0"):
        raise UsageError(f"{where}: refused, for its member '{name!r}' points out of the archive")


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
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UsageError(f"{path} is not a whole zip archive; get it again") from error
    with archive:
        yield ZipTree(archive)
