"""Ctrl-C and SIGTERM: asked for at any moment, obeyed where nothing is lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal ended the work.

    Attributes:
        signal: SIGINT or SIGTERM; a shell expects 128 plus its number as exit code.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


_last = [int(signal.SIGINT)]


def _raise(number: int, _frame: FrameType | None) -> None:
    _last[:] = [number]
    raise Interrupted(number)


@contextmanager
def told_apart() -> Iterator[None]:
    """Name the signal where a library in C forgot: some raise a bare `KeyboardInterrupt` instead.

    Raises:
        Interrupted: the signal.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(_last[0]) from None


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let both signals call `handler` in the block; only the main thread may decide that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` at once for either signal, so that SIGTERM tidies up as Ctrl-C does."""
    with _handled_by(_raise):
        yield


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Keep a first signal for later; a second one raises `Interrupted` at once.

    Yields:
        A function that returns the number of the signal that came, if one did.

    Raises:
        Interrupted: a signal came that the block did not act upon.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            _raise(number, frame)
        came.append(number)

    with _handled_by(note):
        yield lambda: came[0] if came else None
    if came:
        raise Interrupted(came[0])
