"""The one error a user is meant to read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class UsageError(Exception):
    """Something the user asked for cannot be done; the message is one line that says what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


@contextmanager
def concerning(name: str) -> Iterator[None]:
    """Begin the message of a mistake with whom it concerns, unless it does so already."""
    try:
        yield
    except UsageError as error:
        if str(error).startswith((f"{name} ", f"{name}:")):
            raise
        raise type(error)(f"{name}: {error}") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest known name, else the list of all names."""
    options = sorted(known)
    nearest = get_close_matches(name, options, n=1, cutoff=0.6)
    return f"did you mean '{nearest[0]}'?" if nearest else f"choose from: {', '.join(options)}"


# Extras that pip alone may fail to build, and what builds them.
_BUILT_BY = {"learn2learn": "make learn2learn"}


def how_to_get(extra: str) -> str:
    """Return the command that installs an extra."""
    otherwise = f" (where that fails: {_BUILT_BY[extra]})" if extra in _BUILT_BY else ""
    return f"pip install 'fewshot-bench[{extra}]'{otherwise}"
