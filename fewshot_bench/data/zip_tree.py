"""A zip archive as a tree of files, read in place."""

import struct
import tarfile
import zipfile
import zlib
from bisect import bisect_right
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from fewshot_bench.data.archive import (
    bounded_zip,
    check_count,
    check_members,
    check_name,
    checked_size,
    zip_members,
)
from fewshot_bench.data.left_out import EMPTY, HIDDEN, LeftOut, is_hidden
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


class ZipTree:
    """Members of a zip archive.

    Raises:
        UsageError: as `check_members`.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.where, self._archive, self.left_out = str(path), archive, LeftOut()
        size = path.stat().st_size
        check_count(self.where, len(archive.namelist()), size)
        members = zip_members(archive)
        check_members(self.where, members, size)
        self._known = {""}  # folders that have entries of their own or anything right inside them
        self.files = sorted(m.name for m in members if not self._hides(m.name))
        self._list_folders()
        self.folders = sorted(self._known - {""})

    def read(self, file: str, size: int | None = None) -> bytes:
        """Return the content of a member, or the beginning of it.

        Raises:
            UsageError: the member is damaged or larger than any image.
        """
        most = checked_size(self._archive.getinfo(file).file_size, f"{self.where}: {file!r}")
        try:
            with self._archive.open(file) as member:  # bounded: what a header says may be a lie
                return member.read(most if size is None else min(size, most))
        except (*ZIP_ERRORS, OSError) as error:
            raise UsageError(f"{self.where}: {file!r} is damaged; get the archive again") from error

    def size(self, file: str) -> int:
        """Return the bytes of a member once expanded."""
        return self._archive.getinfo(file).file_size

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


def open_zip(stream: BinaryIO, path: Path) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        UsageError: it is damaged, or its list of members is larger than it is worth.
    """
    try:
        return bounded_zip(stream, path.stat().st_size)
    except (*ZIP_ERRORS, OSError, tarfile.ReadError) as error:
        raise UsageError(f"{path} is not a whole zip archive; get it again") from error
