"""What is refused of a zip or tar archive before anything of it is read or written."""

import re
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

from fewshot_bench.errors import UsageError

MAX_FILE_BYTES = 256 * 2**20  # of one member; far above any image, above CIFAR-100's arrays
MAX_EXPANSION = 100  # times the size of the archive; images hardly shrink
FREE_EXPANSION = 256 * 2**20  # bytes to which any archive may expand, however small it is
MAX_NAME = 4096  # characters, as long as a path may be on Linux
FREE_NAMES = 250_000  # files and folders that any archive may name, however small it is
_BYTES_A_NAME = 400  # of a larger archive, for each more; an image and its header take as much
_MAX_HEADERS = 2**20  # bytes before a tar member: its name, once more in full, and attributes
_FREE_DIRECTORY = 32 * 2**20  # bytes of a zip archive's list of members, or a third of the archive
_OUTSIDE = re.compile(r"[\\:\x00-\x1f\x7f]")  # separators of other systems, and what forges lines


@dataclass(frozen=True)
class Member:
    """What an archive says of a member that is not a folder.

    Attributes:
        name: as the archive spells it.
        size: bytes once expanded.
        plain: whether it is a file that can be read: no link, no device, not sparse, not
            encrypted, and stored or deflated.
    """

    name: str
    size: int
    plain: bool


def zip_members(archive: zipfile.ZipFile) -> list[Member]:
    """List the members of a zip archive; folders are left out."""
    return [_zip_member(info) for info in archive.infolist() if info.filename[-1:] != "/"]


def _zip_member(info: zipfile.ZipInfo) -> Member:
    kind = info.external_attr >> 28  # the file type of Unix; 0 where it was made elsewhere
    readable = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return Member(
        info.filename, info.file_size, kind in (0, 0o10) and readable and not info.flag_bits & 1
    )


def tar_member(info: tarfile.TarInfo) -> Member:
    """Describe a member of a tar archive."""
    return Member(info.name, info.size, info.isreg() and not info.issparse())


def check_members(where: str, members: Iterable[Member], archive_size: int) -> None:
    """Refuse an archive for what its members are, before any of them is expanded.

    Args:
        where: the archive, for messages.
        members: all of them; taken one by one, so that a bomb is noticed before it goes off.
        archive_size: bytes of the archive.

    Raises:
        UsageError: a member's name leaves the archive or collides with another's, a member is
            not a plain file, they expand to more than `MAX_EXPANSION` times the archive, or they
            and their folders are too many for its size.
    """
    total, names = 0, _Names(where, archive_size)
    for member in members:
        check_name(where, member.name)
        if not member.plain:
            raise UsageError(
                f"{where}: refused, for its member {member.name!r} is a link or a device, sparse, "
                "encrypted, or compressed otherwise than by deflate"
            )
        total += member.size
        if total > max(FREE_EXPANSION, MAX_EXPANSION * archive_size):
            raise UsageError(
                f"{where}: refused, for it expands to more than {MAX_EXPANSION} times its size"
            )
        names.add(member.name)


def check_count(where: str, count: int, archive_size: int) -> None:
    """Refuse more files and folders than an archive of this size is worth.

    Raises:
        UsageError: there are.
    """
    if count > (most := max(FREE_NAMES, archive_size // _BYTES_A_NAME)):
        raise UsageError(
            f"{where}: refused, for it names more than {most} files and folders; extract it, and "
            "give the folder"
        )


def check_name(where: str, name: str) -> None:
    """Refuse the name of an archive's member that no folder could hold, or that points out of it.

    Raises:
        UsageError: the name is absolute, has ``..``, a backslash, a drive or a control character,
            or is longer than `MAX_NAME`.
    """
    if len(name) > MAX_NAME:
        raise UsageError(
            f"{where}: refused, for its member '{name[:40]}…' has a name of {len(name)} "
            f"characters, and {MAX_NAME} are the most"
        )
    parts = PurePosixPath(name).parts
    if not parts or parts[0].startswith("/") or ".." in parts or _OUTSIDE.search(name):
        raise UsageError(f"{where}: refused, for its member {name!r} points out of the archive")


class _Names:
    """Names that no file system takes for the same file or folder.

    Each part of a name is filed under the folder that it lies in: names of great depth would cost
    their length times their depth if they were filed as a whole.
    """

    def __init__(self, where: str, archive_size: int) -> None:
        self._where, self._archive_size = where, archive_size
        self._known: dict[tuple[int, str], tuple[int, str, bool]] = {}  # number, spelling, is file

    def add(self, name: str) -> None:
        """File a name.

        Raises:
            UsageError: it is there in some spelling, is both file and folder, or one too many.
        """
        parts, folder = PurePosixPath(name).parts, 0
        for depth, part in enumerate(parts, 1):
            is_file, new = depth == len(parts), len(self._known) + 1
            found = self._known.setdefault((folder, _folded(part)), (new, part, is_file))
            folder, spelled, was_file = found
            if folder == new:
                check_count(self._where, new, self._archive_size)
            elif spelled != part or (is_file and was_file):
                other = "/".join((*parts[: depth - 1], spelled))
                self._refuse(f"{other!r} and {name!r} are one name twice")
            elif is_file or was_file:
                self._refuse(f"{'/'.join(parts[:depth])!r} is both a file and a folder")

    def _refuse(self, reason: str) -> None:
        raise UsageError(f"{self._where}: refused, for {reason}")


def _folded(name: str) -> str:
    """Spell a name as a file system does that ignores case and the composition of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def checked_size(size: int, where: str) -> int:
    """Return the bytes of a file or member.

    Raises:
        UsageError: it is larger than any image.
    """
    if size > MAX_FILE_BYTES:
        raise UsageError(f"{where} is larger than {MAX_FILE_BYTES} bytes")
    return size


class Bounded:
    """An archive's stream, which never gives more than a list of members may take.

    Headers are read in one piece, or in as many as they say that they have; a forged one would ask
    for gigabytes.

    Args:
        stream: seekable, open for reading.
        most: bytes; of all that is read until `allow` is called again.
    """

    def __init__(self, stream: IO[bytes], most: int = _MAX_HEADERS) -> None:
        self._stream, self._left = stream, most
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def allow(self, most: int = _MAX_HEADERS) -> None:
        """Let the next `most` bytes be read."""
        self._left = most

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes.

        Raises:
            tarfile.ReadError: they are more than are left.
        """
        if size > self._left:
            raise tarfile.ReadError(f"a header of {size} bytes")
        found = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise tarfile.ReadError("headers without an end")
        return found


def bounded_zip(stream: IO[bytes], archive_size: int) -> zipfile.ZipFile:
    """Open a zip archive whose list of members is no larger than the archive is worth.

    Raises:
        tarfile.ReadError: it is larger.
        zipfile.BadZipFile: it is no zip archive.
    """
    bounded = Bounded(stream, max(_FREE_DIRECTORY, archive_size // 3))
    archive = zipfile.ZipFile(cast("IO[bytes]", bounded))
    bounded.allow(sys.maxsize)
    return archive
