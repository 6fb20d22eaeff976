"""Carrying out what was asked for: planned, measured by some engine, and told as it happens."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.cells import Plan
from fewshot_bench.runs.known import known_records, news_of
from fewshot_bench.runs.local import Engine, Manner, in_processes, in_this_process, tasks_of
from fewshot_bench.runs.noted_plans import recall, remember
from fewshot_bench.runs.request import Request
from fewshot_bench.tracking.store import StoreAwayError, sqlite_file
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.crew import News
from fewshot_bench.utilities.files import CannotWriteError, home, require_writable
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.signals import interruptible


@dataclass
class Outcome:
    """What became of a plan.

    Attributes:
        plan: what was asked for.
        records: of the cells that are done, by their place in the plan.
        failures: why cells failed, likewise.
        log: of the worker processes, or of what nobody foresaw; None if nothing failed.
    """

    plan: Plan
    records: dict[int, RunRecord] = field(default_factory=dict)
    failures: dict[int, Exception] = field(default_factory=dict)
    log: Path | None = None

    @property
    def in_order(self) -> list[RunRecord]:
        """The records, in the order of the plan."""
        return [self.records[i] for i in sorted(self.records)]


Watch = Callable[[Outcome, News], None]


def carry_out(
    request: Request,
    tracker: Tracker,
    device: str = "auto",
    force: bool = False,
    keep_predictions: bool = False,
) -> list[RunRecord]:
    """Measure all that a request asks for in this process, and return the records in order.

    Raises:
        UsageError: the request cannot be met; then nothing was begun.
        Interrupted: Ctrl-C or SIGTERM came; the same request goes on from the last checkpoint.
        Exception: of the first cell that failed, when the others are done.
    """
    outcome = attempt(request, tracker, Manner(device, force, keep_predictions))
    for error in outcome.failures.values():
        raise error
    return outcome.in_order


def attempt(
    request: Request, tracker: Tracker, manner: Manner, watch: Watch | None = None
) -> Outcome:
    """Measure all that a request asks for, train what it needs, and log it.

    What has been measured and logged is not measured again, unless forced, and then answered
    without loading torch. A cell that fails leaves the others alone.

    Args:
        request: what to measure.
        tracker: of the store that gets the results.
        manner: how.
        watch: is told what becomes of every task, see `tasks_of`, when that is filed.

    Raises:
        UsageError: the request cannot be met; then nothing was begun.
        Interrupted: Ctrl-C or SIGTERM came; the same request goes on from the last checkpoint.
    """
    plan = planned(request)
    known = {} if manner.force else known_records(plan, tracker, manner.keep_predictions)
    _caution(plan.configs)
    outcome = Outcome(plan, known)
    for record in outcome.in_order:
        say(news_of(plan, record))
    if len(known) < len(plan.cells):
        _measure(outcome, tracker, manner, watch)
    return outcome


def planned(request: Request) -> Plan:
    """Return the plan of a request, and say what it leaves out.

    Raises:
        UsageError: the request cannot be met.
    """
    plan = recall(request)
    if plan is None:
        require_writable(home())  # data may be drawn; said before torch is imported
        from fewshot_bench.runs.plan import make_plan

        plan = make_plan(request)
        remember(request, plan)
    for reason in plan.left_out:
        say(f"left out: {reason}")
    if not plan.cells:
        raise UsageError("nothing is left to measure; ask for other methods or data")
    return plan


def _measure(outcome: Outcome, tracker: Tracker, manner: Manner, watch: Watch | None) -> None:
    """Let an engine do what is not done, and file what becomes of it."""
    manner.check()
    require_writable(home())
    if file := sqlite_file(tracker.uri):
        require_writable(file)
    _warn_if_away(tracker)
    plan = outcome.plan
    wanted = [i for i in range(len(plan.cells)) if i not in outcome.records]
    tasks = tasks_of(plan, wanted, manner)
    with (
        _log(outcome) as log,
        interruptible(),
        closing(_engine(manner)(tasks, tracker, manner, log)) as happening,
    ):
        for news in happening:
            if news.task.isdecimal() and news.kind == "done":
                outcome.records[int(news.task)] = news.value
            elif news.task.isdecimal() and news.kind == "failed":
                outcome.failures[int(news.task)] = news.value
            if isinstance(news.value, CannotWriteError):
                raise news.value  # the others would meet it, too
            if watch:
                watch(outcome, news)


def _engine(manner: Manner) -> Engine:
    if manner.engine == "ray":
        from fewshot_bench.runs.ray_engine import on_cluster

        return on_cluster
    return in_this_process if manner.in_this_process else in_processes


@contextmanager
def _log(outcome: Outcome) -> Iterator[Path]:
    """Yield a file for what is printed elsewhere; it stays if it tells of a failure."""
    folder = home() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        yield path
    finally:
        if outcome.failures and path.exists() and path.stat().st_size:
            outcome.log = path
        else:
            path.unlink(missing_ok=True)


def _caution(configs: Sequence[RunConfig]) -> None:
    """Say, once for all runs alike, what classes are not new and what presets are borrowed."""
    for caution in dict.fromkeys(config.caution for config in configs if config.caution):
        say(f"warning: {caution}")
    for borrowing in dict.fromkeys(config.borrowing for config in configs if config.borrowing):
        say(borrowing)


def _warn_if_away(tracker: Tracker) -> None:
    """Ask the store before the work begins; one that is away for a while is no reason to stop."""
    try:
        tracker.check()
    except StoreAwayError as error:
        say(f"warning: {error}; until then results are kept here")
