"""Keep freed memory with the process: large tensors then cost no page faults.

glibc gives every block above 32 MB back to the system when it is freed, and the kernel clears the
pages of the next one. Training conv4-64 on a CPU spent half of its time there.
"""

import ctypes
import sys

# Parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> None:
    """Tell glibc's allocator to reuse large blocks; does nothing on other systems."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_M_TOP_PAD, 64 * 2**20)
    mallopt(_M_ARENA_MAX, 1)  # the thread that runs backward would have an arena of its own
