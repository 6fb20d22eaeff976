"""Files of a folder or a zip archive, read in place: nothing is ever extracted."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from fewshot_bench.data.archive import MAX_FILE_BYTES, check_members, zip_members
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
    """Regular files below a folder; links are followed, each folder once."""

    def __init__(self, path: Path) -> None:
        self.where, self._path = str(path), path
        self.files = sorted(self._walk())

    def read(self, file: str) -> bytes:
        """Return the content of a file.

        Raises:
            UsageError: it cannot be read, or is larger than any image.
        """
        try:
            _checked_size((self._path / file).stat().st_size, str(self._path / file))
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
                if os.path.isfile(path := os.path.join(root, file)):  # noqa: PTH113, PTH118, speed
                    yield Path(path).relative_to(self._path).as_posix()


class ZipTree:
    """Members of a zip archive.

    Raises:
        UsageError: as `check_members`.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.where, self._archive = str(path), archive
        members = zip_members(archive)
        check_members(self.where, members, path.stat().st_size)
        self.files = sorted(m.name for m in members)

    def read(self, file: str) -> bytes:
        """Return the content of a member.

        Raises:
            UsageError: the member is damaged or larger than any image.
        """
        size = _checked_size(self._archive.getinfo(file).file_size, f"{self.where}: '{file}'")
        try:
            with self._archive.open(file) as member:
                return member.read(size)  # bounded: what a header says may be a lie
        except (*ZIP_ERRORS, OSError) as error:
            raise UsageError(f"{self.where}: '{file}' is damaged; get the archive again") from error


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
    try:
        archive = zipfile.ZipFile(path)
    except (*ZIP_ERRORS, OSError) as error:
        raise UsageError(f"{path} is not a whole zip archive; get it again") from error
    with archive:
        yield ZipTree(archive, path)
