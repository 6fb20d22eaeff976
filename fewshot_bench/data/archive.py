"""What is refused of a zip or tar archive before anything of it is read or written."""

import re
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from fewshot_bench.errors import UsageError

MAX_FILE_BYTES = 256 * 2**20  # of one member; far above any image, above CIFAR-100's arrays
MAX_EXPANSION = 100  # times the size of the archive; images hardly shrink
FREE_EXPANSION = 256 * 2**20  # bytes to which any archive may expand, however small it is
_OUTSIDE = re.compile(r"[\\:\x00-\x1f\x7f]")  # separators of other systems, and what forges lines


@dataclass(frozen=True)
class Member:
    """What an archive says of a member that is not a folder.

    Attributes:
        name: as the archive spells it.
        size: bytes once expanded.
        plain: whether it is a file that can be read: no link, no device, not encrypted, and
            stored or deflated.
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
    return Member(info.name, info.size, info.isreg())


def check_members(where: str, members: Iterable[Member], archive_size: int) -> None:
    """Refuse an archive for what its members are, before any of them is expanded.

    Args:
        where: the archive, for messages.
        members: all of them; taken one by one, so that a bomb is noticed before it goes off.
        archive_size: bytes of the archive.

    Raises:
        UsageError: a member's name leaves the archive or collides with another's, a member is
            not a plain file, or they expand to more than `MAX_EXPANSION` times the archive.
    """
    total, names = 0, []
    for member in members:
        check_name(where, member.name)
        if not member.plain:
            raise UsageError(
                f"{where}: refused, for its member {member.name!r} is a link or a device, "
                "encrypted, or compressed otherwise than by deflate"
            )
        total += member.size
        if total > max(FREE_EXPANSION, MAX_EXPANSION * archive_size):
            raise UsageError(
                f"{where}: refused, for it expands to more than {MAX_EXPANSION} times its size"
            )
        names.append(str(PurePosixPath(member.name)))
    _check_collisions(where, names)


def check_name(where: str, name: str) -> None:
    """Refuse the name of an archive's member that points out of the archive.

    Raises:
        UsageError: the name is absolute, has ``..``, a backslash, a drive or a control character.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0].startswith("/") or ".." in parts or _OUTSIDE.search(name):
        raise UsageError(f"{where}: refused, for its member {name!r} points out of the archive")


def _check_collisions(where: str, names: Iterable[str]) -> None:
    """Refuse names that one file system or another takes for the same file or folder."""
    spelled: dict[str, str] = {}
    files: set[str] = set()
    for name in names:
        other = name if name in files else _other_spelling(name, spelled)
        files.add(name)
        if other is not None:
            raise UsageError(f"{where}: refused, for {other!r} and {name!r} are one name twice")
    if both := files & {place.rpartition("/")[0] for place in spelled.values()}:
        raise UsageError(f"{where}: refused, for {min(both)!r} is both a file and a folder")


def _other_spelling(name: str, spelled: dict[str, str]) -> str | None:
    """File `name` and its folders under one spelling; return another one that is there."""
    while name:
        other = spelled.setdefault(_folded(name), name)
        if other != name:
            return other
        name = name.rpartition("/")[0]
    return None


def _folded(name: str) -> str:
    """Spell a name as a file system does that ignores case and the composition of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Bounded:
    """A stream that is never asked for more than a file may have, as a forged header would.

    Args:
        stream: seekable, open for reading.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes.

        Raises:
            tarfile.ReadError: more than `MAX_FILE_BYTES` are asked for.
        """
        if not 0 <= size <= MAX_FILE_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)
