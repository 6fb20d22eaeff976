"""Less work for commands that end soon."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
