"""Work shared among copies of this process, each with an interpreter to itself.

Threads of Python hand its one lock over at every operation of torch's. Where these are short, as in
the thousand steps of `tim`, two threads are slower than one, and copies twice as fast.
"""

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

from fewshot_bench.utilities.peak import grown_since, note_copies, resident_memory

Item = TypeVar("Item")
Found = TypeVar("Found")

_PR_SET_PDEATHSIG = 1  # of prctl(2)


def can_copy() -> bool:
    """Whether a copy of this process works as the process does.

    Not where the system's libraries do not survive it; nor what they have on a device; nor in
    a thread, with which its copies would end; nor in a daemon, which may have none; nor on a node
    of Ray's, whose connections do not survive it.
    """
    return (
        sys.platform == "linux"
        and not torch.accelerator.is_available()
        and threading.current_thread() is threading.main_thread()
        and not multiprocessing.current_process().daemon
        and "ray" not in sys.modules
    )


def map_in_copies(work: Callable[[Item], Found], items: Sequence[Item], n: int) -> Iterator[Found]:
    """Yield ``work(item)`` of every item, in their order, each of `n` copies doing every n-th.

    A copy has one thread of torch's, and sees what there is now; what it changes stays its own.

    Args:
        work: of an item; what it returns must be possible to pickle.
        items: what there is to do.
        n: copies.

    Raises:
        MemoryError: a copy was killed, as the system does for want of memory.
        Exception: what `work` raised, the first in the order of items.
    """
    copies: list[_Copy] = []
    try:
        copies.extend(_Copy(work, items[k::n]) for k in range(min(n, len(items))))
        for i in range(len(items)):
            yield copies[i % n].hear()
        note_copies(sum(copy.hear() for copy in copies))
    finally:
        for copy in copies:
            copy.end()


class _Copy:
    """A copy of this process that does some work, and tells what it found, last how it grew."""

    def __init__(self, work: Callable[[Item], object], items: Sequence[Item]) -> None:
        self._pipe, theirs = multiprocessing.Pipe(duplex=False)
        arguments = (theirs, os.getpid(), work, items)
        self._process = multiprocessing.get_context("fork").Process(target=_do, args=arguments)
        with warnings.catch_warnings():  # of threads that a copy lacks; it needs none of them
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()  # theirs alone: the pipe then ends with the copy

    def hear(self) -> Any:
        """Return what it tells next; raise what its work raised, or why it tells no more."""
        try:
            error, found = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            if code == -signal.SIGKILL:
                raise MemoryError("a process of the evaluation was killed") from None
            raise RuntimeError(f"a process of the evaluation ended with exit code {code}") from None
        if error is not None:
            raise error
        return found

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _do(
    pipe: Connection, parent: int, work: Callable[[Item], object], items: Sequence[Item]
) -> None:
    """Work through items in a copy, until one fails; its parent alone obeys signals."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    before = resident_memory()
    try:
        for item in items:
            pipe.send((None, work(item)))
        last: tuple[Exception | None, int] = None, grown_since(before)
    except Exception as error:
        last = _portable(error), 0
    print(end="", flush=True)  # it may be ended as soon as this is heard
    pipe.send(last)


def _portable(error: Exception) -> Exception:
    """Return an error as its reader gets it, with the traceback that would be lost."""
    try:
        known: Exception = pickle.loads(pickle.dumps(error))
    except Exception:
        known = RuntimeError(f"{type(error).__name__}: {error}")
    known.add_note("".join(traceback.format_exception(error)))
    return known
