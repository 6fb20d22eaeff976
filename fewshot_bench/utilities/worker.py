"""What a worker process does: the jobs that come through its pipe, until it closes."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from fewshot_bench.utilities.mistakes import to_send
from fewshot_bench.utilities.progress import Step, told_to
from fewshot_bench.utilities.signals import Interrupted, interruptible

Job = Callable[[Any], Any]
_SECONDS_BETWEEN_STEPS = 0.5
_place = [0]


def work(pipe: Connection, prepare: Callable[[], Job], log: Path, place: int) -> None:
    """Tell through a pipe what becomes of what comes through it; obey signals at checkpoints.

    Args:
        pipe: to the parent.
        prepare: returns the job to be done.
        log: file that is appended to, in place of stdout and stderr.
        place: among the workers that there are, see `own_place`.
    """
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C reaches the parent alone, which says it once
    _print_to(log)
    _place[:] = [place]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with (
        suppress(EOFError, BrokenPipeError, Interrupted),
        interruptible(),
        told_to(now_and_then(_through(pipe))),
    ):
        job = prepare()
        while True:
            pipe.send(_outcome(job, pipe.recv()))


def own_place() -> int:
    """Number of this process among the workers that live, counted from 0."""
    return _place[0]


def now_and_then(tell: Callable[[Step], object]) -> Callable[[Step], None]:
    """Return what tells of steps, but not more often than somebody would look."""
    told = [0.0]

    def tell_some(step: Step) -> None:
        now = time.monotonic()
        if now - told[0] >= _SECONDS_BETWEEN_STEPS:
            told[0] = now
            tell(step)

    return tell_some


def _through(pipe: Connection) -> Callable[[Step], None]:
    def tell(step: Step) -> None:
        with suppress(OSError):  # nobody listens any more, and the checkpoint is still to come
            pipe.send(("step", step))

    return tell


def _outcome(job: Job, what: Any) -> tuple[str, Any]:
    try:
        return "done", job(what)
    except Exception as error:
        known, trace = to_send(error)
        print(trace, end="", file=sys.stderr)
        return "failed", known


def _print_to(log: Path) -> None:
    """Append to a file whatever is printed, also by libraries."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _end_with_parent() -> None:
    """A parent that was killed says nothing: stop as if it had."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
