"""Progress of long jobs: a live bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fewshot_bench.utilities.printing import plain_console, printable

console = plain_console(stderr=True)
_SECONDS_BETWEEN_LINES = 30.0


@dataclass(frozen=True)
class Step:
    """How far a job is.

    Attributes:
        label: what is being done.
        done, total: steps.
        note: recent loss and validation accuracy.
    """

    label: str
    done: int
    total: int
    note: str = ""


_listeners: list[Callable[[Step], None]] = []


@contextmanager
def told_to(listener: Callable[[Step], None]) -> Iterator[None]:
    """Tell of the progress of every job in the block to a listener; no bar is drawn."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.pop()


class Bar:
    """One job of a known number of steps.

    Args:
        label: what is being done.
        total: number of steps.
        start: steps done by an earlier process.
    """

    def __init__(self, label: str, total: int, start: int = 0) -> None:
        self.label, self.total, self.start = printable(label), total, start
        self._began = self._printed = time.monotonic()
        self._live = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._live.add_task(self.label, total=total, completed=start, note="")

    def update(self, done: int, loss: float | None = None, val: float | None = None) -> None:
        """Show the number of steps done, the recent loss and the latest validation accuracy."""
        note = "" if loss is None else f"loss {loss:.3f}"
        note += "" if val is None else f"  val {100 * val:.2f} %"
        if _listeners:
            _listeners[-1](Step(self.label, done, self.total, note))
            return
        self._live.update(self._task, completed=done, note=note)
        now = time.monotonic()
        if not console.is_terminal and now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            left = (now - self._began) / max(1, done - self.start) * (self.total - done)
            clock = time.strftime("%H:%M:%S", time.gmtime(left))
            console.print(f"{self.label}  {done}/{self.total}  {note}  {clock} left")

    @contextmanager
    def live(self) -> Iterator["Bar"]:
        """Draw the bar while the block runs, if this is a terminal."""
        if not console.is_terminal or _listeners:
            yield self
            return
        with self._live:
            yield self


def say(message: str) -> None:
    """Print one line of news to stderr, whatever it repeats of files, stores and servers."""
    console.print(printable(message), soft_wrap=True)
