"""Locks between processes of one machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fewshot_bench.progress import say


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
