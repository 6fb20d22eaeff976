"""Worker processes of this machine: tasks that wait for each other, a worker that dies replaced."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.worker import Job, work

_SECONDS_TO_STOP = 120.0  # the step at hand, and its checkpoint
TRIES = 2  # of a task whose worker dies

_SPAWN = multiprocessing.get_context("spawn")  # a forked torch may hang


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        name: tells it from the others.
        what: is given to the job; it must be possible to pickle it.
        needs: names of tasks that must have been done.
        cores: how many it keeps busy.
    """

    name: str
    what: Any
    needs: tuple[str, ...] = ()
    cores: int = 1


@dataclass(frozen=True)
class News:
    """What became of a task.

    Attributes:
        task: the name.
        kind: ``begun``, ``step``, ``done`` or ``failed``.
        value: the step, what the job returned, or the error.
    """

    task: str
    kind: Literal["begun", "step", "done", "failed"]
    value: Any = None


class _Worker:
    """A process, and what it is doing."""

    def __init__(self, prepare: Callable[[], Job], log: Path, place: int) -> None:
        self.place = place
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=work, args=(theirs, prepare, log, place), daemon=True)
        self.process.start()
        theirs.close()  # theirs alone: the pipe then ends with the process
        self.task: Task | None = None

    def end(self) -> None:
        """Close the pipe, which ends a process that has nothing to do."""
        self.pipe.close()
        self.process.join()


class Crew:
    """Up to `n` processes that work through tasks.

    Args:
        prepare: is called in each process, and returns the job that it does; both are pickled.
        n: processes.
        cores: of the machine, which tasks share.
        log: file of what the processes print.
    """

    def __init__(self, prepare: Callable[[], Job], n: int, cores: int, log: Path) -> None:
        self.prepare, self.n, self.cores, self.log = prepare, n, max(cores, n), log
        self._workers: list[_Worker] = []
        self._waiting: list[Task] = []
        self._open: set[str] = set()  # names of what is neither done nor failed
        self._failed: dict[str, Exception] = {}
        self._deaths: dict[str, int] = {}

    def work(self, tasks: Sequence[Task]) -> Generator[News, None, None]:
        """Yield what becomes of each task, as it happens; needs that are no tasks count as done.

        What is ready is begun in order. A task fails with what it needs, and when its worker died
        for the second time. Whoever stops asking ends the processes, each at its next checkpoint.
        """
        self._waiting, self._open = list(tasks), {task.name for task in tasks}
        try:
            while self._waiting or self._busy:
                yield from self._give()
                if self._busy:
                    yield from self._hear()
        finally:
            self._stop()

    @property
    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task]

    def _give(self) -> Iterator[News]:
        """Begin what is ready, as far as workers and cores go."""
        for task in list(self._waiting):
            lost = next((self._failed[name] for name in task.needs if name in self._failed), None)
            if lost is not None:
                self._waiting.remove(task)
                yield self._ended(task, "failed", lost)
            elif self._open.isdisjoint(task.needs):
                used = [w.task.cores for w in self._busy if w.task]
                if len(used) >= self.n or (used and sum(used) + task.cores > self.cores):
                    return
                self._waiting.remove(task)
                self._begin(task)
                yield News(task.name, "begun")

    def _begin(self, task: Task) -> None:
        idle = next((worker for worker in self._workers if not worker.task), None)
        if idle is not None:
            with suppress(OSError):  # it died while it had nothing to do
                idle.pipe.send(task.what)
                idle.task = task
                return
            self._workers.remove(idle)
        taken = {worker.place for worker in self._workers}
        place = next(n for n in range(len(taken) + 1) if n not in taken)
        worker = _Worker(self.prepare, self.log, place)
        self._workers.append(worker)
        worker.pipe.send(task.what)
        worker.task = task

    def _hear(self) -> Iterator[News]:
        """Wait until some worker says something, or dies."""
        ready = wait([worker.pipe for worker in self._busy])
        for worker in self._busy:
            if worker.pipe in ready and worker.task:
                task = worker.task
                try:
                    kind, value = worker.pipe.recv()
                except (EOFError, OSError):
                    yield from self._died(worker, task)
                    continue
                if kind == "step":
                    yield News(task.name, "step", value)
                else:
                    worker.task = None
                    yield self._ended(task, kind, value)

    def _ended(self, task: Task, kind: Literal["done", "failed"], value: Any) -> News:
        self._open.discard(task.name)
        if kind == "failed":
            self._failed[task.name] = value
        return News(task.name, kind, value)

    def _died(self, worker: _Worker, task: Task) -> Iterator[News]:
        self._workers.remove(worker)
        worker.end()
        self._deaths[task.name] = self._deaths.get(task.name, 0) + 1
        if self._deaths[task.name] < TRIES:
            self._waiting.insert(0, task)
            return
        code = worker.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        more = "; out of memory?" if code == -signal.SIGKILL else ""
        error = UsageError(f"its process died {TRIES} times ({how}{more})")
        yield self._ended(task, "failed", error)

    def _stop(self) -> None:
        """End all processes; those that work, at their next checkpoint, or at once the second time.

        Raises:
            Interrupted: another signal came meanwhile.
        """
        for worker in self._busy:
            worker.process.terminate()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        try:
            for worker in self._workers:
                if not worker.task:
                    worker.pipe.close()
                worker.process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.end()
            self._workers.clear()
