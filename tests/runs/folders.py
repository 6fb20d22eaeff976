"""In place of a cluster: nodes that are folders of this machine, where tasks are done at once."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.runs.ray_task import Ended, Orders, do, prepare_node
from fewshot_bench.utilities.crew import News, Task


class Silent:
    """In place of the handle of a Teller."""

    class tell:  # noqa: N801
        @staticmethod
        def remote(*_: object) -> None:
            """Nobody listens."""


class Folders:
    """In place of nodes: each task is done here, with a home of another folder than the last.

    Args:
        place: of the homes.
        orders: for all tasks.
        instead: what tasks end with, by their names, in place of being done.
    """

    def __init__(self, place: Path, orders: Orders, instead: dict[str, list[Ended]]) -> None:
        self.homes, self.orders = deque([place / "node-1", place / "node-2"]), orders
        self.instead, self.done = instead, list[str]()
        self._waiting: list[Task] = []

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def prepare(self, data: Any) -> None:
        for place in self.homes:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("FSBENCH_HOME", str(place))
                ended = prepare_node(self.orders, data)
            if ended.error:
                raise ended.error

    def begin(self, task: Task) -> None:
        self._waiting.append(task)

    def hear(self, _seconds: float) -> Iterator[tuple[Task, Ended]]:
        if not self._waiting:
            return
        task = self._waiting.pop(0)
        if self.instead.get(task.name):
            yield task, self.instead[task.name].pop()
            return
        self.homes.rotate()
        self.done.append(task.name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FSBENCH_HOME", str(self.homes[0]))
            ended = do(self.orders, task.name, task.what, task.cores, Silent())
        yield task, ended

    def told(self) -> Iterator[News]:
        yield from ()

    def stop(self) -> None:
        pass
