"""Jobs for worker processes that need no torch: what each task is, is what it does."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.signals import Interrupted, deferred
from fewshot_bench.utilities.worker import own_place

What = tuple[str, Path]


def prepare() -> Callable[[What], str]:
    """Return the job; it is named by this module, so that another process finds it."""
    return do


def do(what: What) -> str:
    """Note in a file that it was begun, and do what is told."""
    deed, notes = what
    with notes.open("a") as file:
        file.write(f"{deed}\n")
    say(f"doing {deed}")
    if deed == "fail":
        raise UsageError("it cannot be")
    if deed == "break":
        raise RuntimeError("nobody thought of it")
    begun = notes.read_text().splitlines().count(deed)
    if deed == "die" or (deed == "die once" and begun == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "train":
        train(notes)
    return f"{deed} by {os.getpid()} in place {own_place()}"


def train(notes: Path) -> None:
    """Take steps until a signal comes, and leave a checkpoint."""
    with deferred() as signalled:
        while signalled() is None:
            time.sleep(0.01)
        notes.with_suffix(".checkpoint").touch()
        raise Interrupted(signalled() or 0)
