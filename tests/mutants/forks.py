"""Work in a copy of this process, which may change anything, hang or die."""

import json
import os
import resource
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

TIMED_OUT = "timed out"
DIED = "died"


def in_a_copy(work: Callable[[], Any], cpu: float, wall: float) -> Any:
    """Run a function in a fork of this process; what it left running is ended too.

    Args:
        work: returns something JSON-like.
        cpu: seconds of computing that it may take.
        wall: seconds that it may take with all its waiting.

    Returns:
        What it returned, or `TIMED_OUT`, or `DIED`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_copy(work, cpu, writer)
    os.close(writer)
    try:
        in_time = bool(select.select([reader], [], [], wall)[0])
        with os.fdopen(reader, "rb", closefd=False) as file:
            said = file.read() if in_time else b""
    finally:
        os.close(reader)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if said:
        return json.loads(said)
    spent = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    return DIED if in_time and not spent else TIMED_OUT


def _be_the_copy(work: Callable[[], Any], cpu: float, writer: int) -> None:
    """Never returns: whatever happens, the copy must not go on as if it were the original."""
    try:
        os.setpgid(0, 0)  # not a session of its own, which Linux would give a share of its own
        limit = int(cpu) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        said = json.dumps(work()).encode()
        with os.fdopen(writer, "wb") as file:
            file.write(said)
    finally:
        os._exit(0)
