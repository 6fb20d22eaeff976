"""Engines of this machine: they take tasks, and yield what becomes of them."""

import traceback
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.runs.cells import Cell, Plan, SharedWork
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.cores import NETWORK_CORES, n_cores
from fewshot_bench.utilities.crew import Crew, News, Task
from fewshot_bench.utilities.mistakes import ordinary


@dataclass(frozen=True)
class Manner:
    """How a plan is carried out.

    Attributes:
        device: to compute on.
        force: measure again what has been measured, and make weights of other code anew.
        keep_predictions: keep every single answer of what was asked for.
        workers: processes that share this machine.
        engine: ``local``, this machine, or ``ray``, a cluster.
        address: of the cluster: ``auto`` or ``HOST:PORT``.
        store: URL of what the machines of a cluster share, see `SharedStore`.
    """

    device: str = "auto"
    force: bool = False
    keep_predictions: bool = False
    workers: int = 1
    engine: str = "local"
    address: str = "auto"
    store: str | None = None

    @property
    def in_this_process(self) -> bool:
        """Whether all is done here, one thing after another."""
        return self.engine == "local" and self.workers == 1

    def check(self) -> None:
        """Refuse a device that is not there; those that always are cost no import of torch.

        Raises:
            UsageError: it is not there, or other things that were asked for do not fit.
        """
        if self.engine not in ("local", "ray"):
            raise UsageError(f"no engine is called '{self.engine}'; choose local or ray")
        if self.engine == "ray":
            self._check_cluster()
        elif self.store is not None or self.address != "auto":
            raise UsageError("--store and --address are of a cluster; add --engine ray")
        elif self.device not in ("auto", "cpu"):
            from fewshot_bench.utilities.devices import pick_device

            pick_device(self.device)

    def _check_cluster(self) -> None:
        if self.store is None or self.store.startswith("memory:"):  # the latter is a process's own
            raise UsageError(
                "--engine ray needs --store URL, which every node can reach, as s3://bucket/folder "
                "or file:///mnt/shared/folder"
            )
        if self.workers != 1:
            raise UsageError("--workers are of this machine; a cluster has the cores of its nodes")


Engine = Callable[[Sequence[Task], Tracker, Manner, Path], Generator[News, None, None]]


def tasks_of(plan: Plan, wanted: Sequence[int], manner: Manner) -> list[Task]:
    """List what is to be done, in an order in which it can be, the longest first.

    A cell's task is named by its place in the plan, shared work by its weights. What one cell
    alone needs it makes itself.

    Args:
        plan: all cells.
        wanted: places of those that are to be measured.
        manner: how.
    """
    cells = {i: plan.cells[i] for i in wanted}
    counts = Counter(name for cell in cells.values() for name in cell.needs)
    missing = [w for w in plan.shared if counts[w.name] and (manner.force or not w.done)]
    common = {work.name for work in missing if counts[work.name] > 1}
    alone = {work.name for work in missing} - common
    cores = n_cores()
    share = max(1, cores // manner.workers) if manner.engine == "local" else 1
    several = max(share, min(NETWORK_CORES, cores))  # of a network that a method trains
    busy = {w.name: share if w.is_light else several if w.is_training else cores for w in missing}
    tasks = [Task(w.name, w, w.needs, busy[w.name]) for w in missing if w.name in common]
    for i, cell in cells.items():
        own = several if cell.trains_network else share
        busiest = max([own, *(busy[name] for name in alone & set(cell.needs))])
        tasks.append(Task(str(i), cell, cell.needs, busiest))
    return sorted(tasks, key=lambda task: (task.name not in common, -task.cores))


def in_this_process(
    tasks: Sequence[Task], tracker: Tracker, manner: Manner, log: Path
) -> Generator[News, None, None]:
    """Do one task after another; the error itself says why one failed."""
    job = Measurer(tracker, manner)()
    failed: dict[str, Exception] = {}
    for task in tasks:
        yield News(task.name, "begun")
        error = next((failed[name] for name in task.needs if name in failed), None)
        if error is None:
            try:
                done = job(task.what)
            except Exception as raised:
                error = ordinary(raised) or raised
                _note(error, log)
        if error is None:
            yield News(task.name, "done", done)
        else:
            failed[task.name] = error
            yield News(task.name, "failed", error)


def _note(error: Exception, log: Path) -> None:
    """Keep the traceback of what nobody foresaw."""
    if not isinstance(error, UsageError):
        with log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)


def in_processes(
    tasks: Sequence[Task], tracker: Tracker, manner: Manner, log: Path
) -> Generator[News, None, None]:
    """Do tasks side by side in as many processes as the manner says."""
    crew = Crew(Measurer(tracker, manner), manner.workers, n_cores(), log)
    with closing(crew.work(tasks)) as happening:
        yield from happening


@dataclass(frozen=True)
class Measurer:
    """What makes the job of a process; it is sent to the process.

    Attributes:
        tracker: of the store that gets the results.
        manner: how to measure.
    """

    tracker: Tracker
    manner: Manner

    def __call__(self) -> Callable[[Cell | SharedWork], Any]:
        """Return what measures a cell, or makes shared work."""
        from fewshot_bench.runs.engine import Engine
        from fewshot_bench.runs.shared import make_shared
        from fewshot_bench.utilities.devices import pick_device, take_gpu
        from fewshot_bench.utilities.memory import keep_freed_memory
        from fewshot_bench.utilities.threads import take_share
        from fewshot_bench.utilities.worker import own_place

        keep_freed_memory()
        if self.manner.workers > 1:
            take_share(self.manner.workers)
            if self.manner.device in ("auto", "cuda"):
                take_gpu(own_place())
        force, device = self.manner.force, pick_device(self.manner.device)
        keep = self.manner.keep_predictions
        engine = Engine(self.tracker, device, force=force, keep_predictions=keep)

        def do(what: Cell | SharedWork) -> Any:
            if isinstance(what, Cell):
                return engine.measure_cell(what)
            return make_shared(what, device, force)

        return do
