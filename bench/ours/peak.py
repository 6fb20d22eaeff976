"""Memory of our side of a row: of the process, and of the copies of it that share its work."""

from contextlib import suppress
from pathlib import Path

from bench import line
from fewshot_bench.utilities.peak import copies_memory

_SELF = Path("/proc/self")


def peak_mb() -> float | None:
    """Peak memory so far, in MB; None where there is no /proc."""
    own = line.peak_mb()
    return None if own is None else own + copies_memory() / 2**20


def unmapped_mb() -> float:
    """What is not mapped from files, of the process and its copies, shared pages once, in MB."""
    children = " ".join(path.read_text() for path in _SELF.glob("task/*/children")).split()
    return sum(_unmapped(process) for process in (_SELF, *map(Path("/proc").joinpath, children)))


def _unmapped(process: Path) -> float:
    with suppress(OSError):  # it ended
        for text in (process / "smaps_rollup").read_text().splitlines():
            if text.startswith("Pss_Anon:"):
                return int(text.split()[1]) / 1024
    return 0.0
