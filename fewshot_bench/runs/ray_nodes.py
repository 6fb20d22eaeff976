"""The nodes of a Ray cluster: made ready, given tasks, listened to, and stopped."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.runs.cells import Cell
from fewshot_bench.runs.ray_cluster import Room
from fewshot_bench.runs.ray_task import Ended, Orders, Teller, Told, do, prepare_node
from fewshot_bench.runs.travelling import Data
from fewshot_bench.utilities.crew import News, Task

_RETRIES = 3  # of a task whose process or node dies
_SECONDS_TO_STOP = 120.0  # the step at hand, and its checkpoint
_SECONDS_TO_SETTLE = 600.0  # of a node, to bring the data


class Nodes:
    """What does tasks side by side, wherever there is room.

    Args:
        ray: the module, connected.
        room: of the nodes.
        orders: for all tasks.
    """

    def __init__(self, ray: Any, room: Room, orders: Orders) -> None:
        self.ray, self.room, self.orders = ray, room, orders
        self._do = ray.remote(do)
        self._running: dict[Any, Task] = {}  # by the reference of what they will return
        # Nowhere else: Ray may put what only prefers a node on another one, and with that it dies.
        here = self._at(ray.get_runtime_context().get_node_id())
        actor = ray.remote(Teller).options(num_cpus=0, max_restarts=-1, scheduling_strategy=here)
        self._teller = actor.remote()
        self._asked = self._teller.take.remote()

    @property
    def busy(self) -> bool:
        """Whether some task is neither done nor failed."""
        return bool(self._running)

    def prepare(self, data: Iterable[Data]) -> None:
        """Let each node bring data, all at the same time.

        Raises:
            UsageError: one of them is not fit, and why.
        """
        ask, wanted = self.ray.remote(prepare_node), tuple(data)
        asked = [
            ask.options(
                num_cpus=0, max_retries=0, scheduling_strategy=self._at(node["NodeID"])
            ).remote(self.orders, wanted)
            for node in self.ray.nodes()
            if node["Alive"]
        ]
        ready, _ = self.ray.wait(asked, num_returns=len(asked), timeout=_SECONDS_TO_SETTLE)
        for reference in ready:
            with suppress(*self._dead):  # other nodes do what it would have done
                ended: Ended = self.ray.get(reference)
                if ended.error:
                    raise ended.error

    @property
    def _dead(self) -> tuple[type[Exception], ...]:
        """Errors of Ray that say that a process or a node has died."""
        errors = self.ray.exceptions
        return (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.LocalRayletDiedError,
            errors.ObjectLostError,
            errors.TaskUnschedulableError,  # the one node that was asked has died meanwhile
        )

    def _at(self, node: str) -> Any:
        strategies = import_module("ray.util.scheduling_strategies")
        return strategies.NodeAffinitySchedulingStrategy(node, soft=False)

    def begin(self, task: Task) -> None:
        """Hand a task to Ray, which begins it where and when there is room."""
        what = task.what
        options = {
            "max_retries": _RETRIES,
            "name": what.config.title if isinstance(what, Cell) else what.title,
            **self.room.demands(task.cores),
        }
        asked = self._do.options(**options)
        reference = asked.remote(self.orders, task.name, what, task.cores, self._teller)
        self._running[reference] = task

    def hear(self, seconds: float) -> Iterator[tuple[Task, Ended]]:
        """Wait at most so long for some task to end; yield those that have."""
        if not self._running:
            return
        done, _ = self.ray.wait(list(self._running), num_returns=1, timeout=seconds)
        for reference in done:
            yield self._running.pop(reference), self._ended(reference)

    def _ended(self, reference: Any) -> Ended:
        try:
            ended: Ended = self.ray.get(reference)
        except self._dead as error:
            reason = " ".join(str(error).split())[:200]
            times = f"{_RETRIES + 1} times, the last time: {reason}"
            return Ended("failed", UsageError(f"its process died {times}"))
        except self.ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())
            return Ended("failed", UsageError(f"Ray could not do it: {reason[-300:]}"))
        return ended

    def told(self) -> Iterator[News]:
        """Yield what processes told of the tasks that they are doing.

        Who hands it on is never waited for: it may have died, which takes Ray a while to notice.
        """
        if not self.ray.wait([self._asked], timeout=0)[0]:
            return
        told: list[Told] = []
        with suppress(self.ray.exceptions.RayError):
            told = self.ray.get(self._asked)
        self._asked = self._teller.take.remote()
        names = {task.name for task in self._running.values()}
        yield from (News(*each) for each in told if each[0] in names)

    def stop(self) -> None:
        """End all tasks; those that are running, at their next checkpoint.

        Raises:
            Interrupted: another signal came meanwhile.
        """
        for reference in self._running:
            self.ray.cancel(reference)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        left = list(self._running)
        while left and time.monotonic() < deadline:
            _, left = self.ray.wait(left, num_returns=len(left), timeout=1.0)
        self._running.clear()
