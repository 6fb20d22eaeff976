"""Locks between processes of one machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fewshot_bench.utilities.files import home
from fewshot_bench.utilities.progress import say


@contextmanager
def waiting_lock(path: Path, news: str) -> Iterator[None]:
    """Hold the lock file at `path`; if another process holds it, say `news` and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(news)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def cell_lock(key: str, title: str) -> Iterator[None]:
    """Hold the right to run, or to log, the configuration `key`; others wait and say so."""
    path = home() / "locks" / f"cell-{key}.lock"
    with waiting_lock(path, f"{title}: waiting for another process that runs it"):
        yield
