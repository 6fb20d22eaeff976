"""What processes tell of their tasks, in place of whom a fake of Ray answers, or does not."""

from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.runs.ray_cluster import Room
from fewshot_bench.runs.ray_nodes import Nodes
from fewshot_bench.runs.ray_task import Ended, Orders, Teller
from fewshot_bench.utilities.crew import News, Task
from tests.runs.test_driver import SHARED


class RayError(Exception):
    """As Ray's."""


class TaskUnschedulableError(RayError):
    """As Ray's."""


class Ray:
    """Of Ray what is asked; a reference is a number, and its answers are given by hand."""

    exceptions = SimpleNamespace(
        RayError=RayError,
        TaskUnschedulableError=TaskUnschedulableError,
        **dict.fromkeys(
            (
                "WorkerCrashedError",
                "NodeDiedError",
                "OutOfMemoryError",
                "LocalRayletDiedError",
                "ObjectLostError",
            ),
            TaskUnschedulableError,
        ),
    )

    def __init__(self) -> None:
        self.answers: dict[int, Any] = {}
        self.asked = 0
        self.waited: list[float] = []

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": name != "c"} for name in "abc"]

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, _what: Any) -> Any:
        actor = SimpleNamespace(take=SimpleNamespace(remote=self._ask), remote=self._ask)
        made = SimpleNamespace(remote=lambda: actor)
        return SimpleNamespace(options=lambda **_: made if _what is Teller else actor)

    def _ask(self, *_arguments: Any) -> int:
        self.asked += 1
        return self.asked

    def wait(
        self, references: list[int], timeout: float, num_returns: int = 1
    ) -> tuple[list[int], list[int]]:
        self.waited.append(timeout)
        return [r for r in references if r in self.answers], []

    def get(self, reference: int) -> Any:
        answer = self.answers[reference]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_who_hands_news_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nodes, "_at", lambda _self, node: node)
    ray = Ray()
    nodes = Nodes(ray, Room(1, 0, 0), Orders("memory://", "code", 1))
    nodes.begin(Task("a", SHARED, (), 1))  # reference 2
    assert list(nodes.told()) == []
    ray.answers[1] = RayError("its node has died")
    assert list(nodes.told()) == []
    ray.answers[3] = [("a", "begun", None), ("another's", "begun", None)]
    assert list(nodes.told()) == [News("a", "begun", None)]
    assert list(nodes.told()) == []
    assert ray.asked == 4
    assert set(ray.waited) == {0}


def test_a_node_that_dies_while_it_is_prepared_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Nodes, "_at", lambda _self, node: node)
    ray = Ray()
    nodes = Nodes(ray, Room(1, 0, 0), Orders("memory://", "code", 1))
    ray.answers |= {2: TaskUnschedulableError("the node is gone"), 3: Ended("done")}
    nodes.prepare([])
    ray.answers |= {4: Ended("done"), 5: Ended("failed", UsageError("no room"))}
    with pytest.raises(UsageError, match="no room"):
        nodes.prepare([])
    assert ray.asked == 5, "a node that is dead is not asked"
