"""What is shown while cells are measured: a live table on a terminal, else a line a cell."""

import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.table import Table

from fewshot_bench.utilities.progress import Step, console, say, told_to

if TYPE_CHECKING:
    from fewshot_bench.runs.driver import Outcome
    from fewshot_bench.utilities.crew import News


class Board:
    """Tells how far a plan is, while the block lasts.

    Args:
        in_this_process: whether this process measures, whose steps are asked for.
    """

    def __init__(self, in_this_process: bool) -> None:
        self.in_this_process = in_this_process
        self._names: dict[str, str] = {}
        self._running: dict[str, Step | None] = {}
        self._outcome: Outcome | None = None
        self._n_known, self._began, self._last = 0, time.monotonic(), ""
        self._live = Live(console=console, transient=True, get_renderable=self._table)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, outcome: "Outcome", news: "News") -> None:
        """Show what became of a task."""
        if self._outcome is None:
            self._begin(outcome)
        if news.kind == "step":
            self._running[news.task] = news.value
        elif news.kind == "begun":
            self._running[news.task] = None
        else:
            self._running.pop(news.task, None)
            self._ended(outcome, news)

    def _begin(self, outcome: "Outcome") -> None:
        self._outcome, self._n_known = outcome, len(outcome.records)
        self._names = {str(i): title for i, title in enumerate(outcome.plan.titles())}
        self._names |= {work.name: work.title for work in outcome.plan.shared}
        if console.is_terminal:
            self._stack.enter_context(self._live)
            if self.in_this_process:
                self._stack.enter_context(told_to(self._step))

    def _step(self, step: Step) -> None:
        for task in self._running:
            self._running[task] = step

    def _ended(self, outcome: "Outcome", news: "News") -> None:
        line = self._names[news.task]
        if news.kind == "failed":
            line += ": failed"
        elif news.task.isdecimal():
            result = news.value.result
            line += f": {100 * result.mean:.2f} ± {100 * result.ci95:.2f} %"
        else:
            line += ": done"
        if news.task.isdecimal():
            n = len(outcome.records) + len(outcome.failures)
            line = f"{n} of {len(outcome.plan.cells)}: {line}"
        self._last = line
        if not console.is_terminal or news.kind == "failed":
            say(line)

    def _table(self) -> Table:
        """How far all is, then what is running."""
        table = Table(box=None, show_header=False, pad_edge=False)
        if self._outcome is not None:
            table.title, table.title_justify = self._headline(self._outcome), "left"
        for task, step in self._running.items():
            label = f"{step.label} {step.done}/{step.total}" if step else ""
            table.add_row(self._names[task], label, step.note if step else "")
        return table

    def _headline(self, outcome: "Outcome") -> str:
        n_done, n_failed = len(outcome.records), len(outcome.failures)
        words = f"{n_done} of {len(outcome.plan.cells)} done"
        words += f", {n_failed} failed" if n_failed else ""
        if n_new := n_done + n_failed - self._n_known:
            n_left = len(outcome.plan.cells) - n_done - n_failed
            left = (time.monotonic() - self._began) / n_new * n_left
            words += f", {time.strftime('%H:%M:%S', time.gmtime(left))} left"
        return words + (f"; last {self._last}" if self._last else "")
