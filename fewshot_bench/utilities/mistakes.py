"""Errors that any machine may have, in the words of a user's mistake."""

import errno
import traceback

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import cannot_write, is_refusal
from fewshot_bench.utilities.shortage import is_memory_shortage


def ordinary(error: Exception) -> UsageError | None:
    """Say what an error means that any machine may have; None for a fault of this program."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return UsageError(f"the name {error.filename} is too long for a file; choose a shorter one")
    if isinstance(error, OSError) and is_refusal(error):
        return cannot_write(error.filename, error.strerror)
    if isinstance(error, UnicodeEncodeError):
        return UsageError(f"{str(error.object)[:300]!r} is not UTF-8 text; rename it")
    if is_memory_shortage(error):
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        return UsageError(
            f"there is too little memory ({reason}); close other programs, or ask for less: a "
            "smaller --backbone, --ways, --shots or --queries, and of training, "
            "--set pretrain.batch_size=32"
        )
    return None


def to_send(error: Exception) -> tuple[UsageError, str]:
    """Return an error as another process can read it, and the traceback if nobody foresaw it."""
    known = error if isinstance(error, UsageError) else ordinary(error)
    if known is not None:
        return known, ""
    trace = "".join(traceback.format_exception(error))
    return UsageError(f"{type(error).__name__}: {error}"), trace  # not all can be pickled
