"""Memory of the process: freed blocks are kept, threads share what there is, and so on."""

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> None:
    """Tell glibc's allocator to reuse large blocks; does nothing on other systems.

    Large tensors then cost no page faults: glibc gives every block above 32 MB back to the system
    when it is freed, and the kernel clears the pages of the next one. Training conv4-64 on a CPU
    spent half of its time there.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_M_TOP_PAD, 64 * 2**20)
    mallopt(_M_ARENA_MAX, 1)  # the thread that runs backward would have an arena of its own


def return_freed_memory() -> None:
    """Give what is free back to the system, for other threads; glibc keeps it for each thread."""
    if sys.platform.startswith("linux") and (
        trim := getattr(ctypes.CDLL(None), "malloc_trim", None)
    ):
        trim(0)


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause Python's cyclic garbage collector.

    Thousands of runs are 10^5 database objects at once, none of them garbage, and so are the
    modules that a command imports; looking for some took two thirds of the time of a table.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what is there now is not looked through at the end of the process either
        if enabled:
            gc.enable()


class Budget:
    """Bytes that threads share: one that needs more than is left waits until others are done.

    Args:
        total: bytes; whoever needs more takes them all.
    """

    def __init__(self, total: int) -> None:
        self.total = self._left = total
        self._freed = threading.Condition()

    @contextmanager
    def take(self, n_bytes: int) -> Iterator[None]:
        """Hold bytes while the block runs; a thread must not ask again within it."""
        taken = min(n_bytes, self.total)
        with self._freed:
            self._freed.wait_for(lambda: self._left >= taken)
            self._left -= taken
        try:
            yield
        finally:
            with self._freed:
                self._left += taken
                self._freed.notify_all()
