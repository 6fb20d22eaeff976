"""How much memory this process took at most, with copies of it that shared its work."""

import resource
import sys
from pathlib import Path

_copies = [0]  # bytes


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes, and that of copies on top of it."""
    return _largest() + copies_memory()


def copies_memory() -> int:
    """What copies of this process took at once, beyond what they shared with it, in bytes."""
    return _copies[0]


def note_copies(n_bytes: int) -> None:
    """Note what `copies_memory` may be the largest of."""
    _copies[0] = max(_copies[0], n_bytes)


def resident_memory() -> int:
    """Resident memory of this process, in bytes; Linux alone tells."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def grown_since(before: int) -> int:
    """By how many bytes the resident memory of this process exceeded what it was, at most."""
    return max(0, _largest() - before)


def _largest() -> int:
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
