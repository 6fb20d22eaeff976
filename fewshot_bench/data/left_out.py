"""What an import does not store: counted by reason, and named."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TypedDict, cast

from fewshot_bench.utilities.files import printable

# Reasons, as they end a line "skipped 3 ...".
HIDDEN = "with hidden or system names"
NO_FILE = "that lead to nothing, or to no plain file"
CYCLE = "that lead back to a folder above"
EMPTY = "with nothing inside"
FORMAT = "of a format that is not read"
DEPTH = "at the wrong depth"
OUTSIDE = "outside the folders of classes"
UNLISTED = "that the split file does not name"
BAD = "that cannot be read"
SMALL = "of classes with too few images"

LEFT_OUT = "left out"  # in the provenance, what `LeftOut.record` returns
MOST_NAMES = 1000  # a reason in the provenance
_SHOWN = 5  # names a reason on the terminal
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


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's own making."""
    return name.startswith(".") or name.lower() in _SYSTEM


class Reason(TypedDict):
    """What the provenance says of all that was left out for one reason.

    Attributes:
        files: how many.
        names: number of files under each name; a folder's name ends with ``/``.
        unnamed: names beyond the first `MOST_NAMES`.
    """

    files: int
    names: dict[str, int]
    unnamed: int


class LeftOut:
    """Files and folders that are not stored, under the reasons for it."""

    def __init__(self) -> None:
        self._names: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, reason: str, name: str, files: int = 1) -> None:
        """Count a file, or a folder with a number of files that goes as a whole.

        Args:
            reason: one of this module's.
            name: relative to the root; that of a folder ends with ``/``.
            files: how many more of them there are.
        """
        self._names[reason][name] += files

    def record(self) -> dict[str, Reason]:
        """Return what the provenance says, by reason."""
        return {reason: _reason(names) for reason, names in self._names.items()}


def _reason(names: Counter[str]) -> Reason:
    listed = sorted(names)[:MOST_NAMES]
    return {
        "files": names.total(),
        "names": {printable(name): names[name] for name in listed},
        "unnamed": len(names) - len(listed),
    }


def files_left_out(provenance: Mapping[str, object]) -> int:
    """Count the files of the tree that a data set does not hold."""
    return sum(reason["files"] for reason in _reasons(provenance).values())


def lines_left_out(provenance: Mapping[str, object]) -> list[str]:
    """Write a line for each reason, with the first few names."""
    return [_line(reason, found) for reason, found in _reasons(provenance).items()]


def _reasons(provenance: Mapping[str, object]) -> dict[str, Reason]:
    return cast("dict[str, Reason]", provenance.get(LEFT_OUT, {}))


def _line(reason: str, found: Reason) -> str:
    total = len(found["names"]) + found["unnamed"]
    shown = [_shown(name, files) for name, files in list(found["names"].items())[:_SHOWN]]
    shown += [f"and {total - _SHOWN} more"] * (total > _SHOWN)
    return f"skipped {found['files'] or total} {reason}: {', '.join(shown)}"


def _shown(name: str, files: int) -> str:
    return f"{name!r} ({counted(files)})" if name.endswith("/") and files else repr(name)


def counted(files: int) -> str:
    """Write a number of files in words."""
    return "1 file" if files == 1 else f"{files} files"
