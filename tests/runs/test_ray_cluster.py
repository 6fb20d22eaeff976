"""What a cluster is asked for, and what is refused before it is."""

import sys
from collections.abc import Callable

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.runs.local import Manner
from fewshot_bench.runs.ray_cluster import Room, connected, room_of
from tests.processes import free_port

NODES = [
    {"Alive": True, "Resources": {"CPU": 4.0, "memory": 1e9}},
    {"Alive": True, "Resources": {"CPU": 2.0, "GPU": 2.0, "memory": 8e9}},
    {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0, "memory": 1e12}},
]


def test_a_task_asks_for_no_more_than_the_largest_living_node_has() -> None:
    room = room_of(NODES)
    assert room.demands(1) == {"num_cpus": 1, "num_gpus": 1, "memory": 2 * 2**30}
    assert room.demands(16)["num_cpus"] == 4
    assert Room(0, 0, 0).demands(3)["num_cpus"] == 3, "nodes may come later"


def test_a_gpu_is_used_where_there_is_one() -> None:
    with_gpu, without = room_of(NODES), room_of(NODES[:1])
    assert (with_gpu.device("auto"), without.device("auto")) == ("cuda", "cpu")
    assert with_gpu.device("cuda:1") == "cuda"
    with pytest.raises(UsageError, match="no node of the cluster has a GPU"):
        without.device("cuda")


def connecting(address: str) -> Callable[[], None]:
    def connect() -> None:
        with connected(address, 1):
            pass

    return connect


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (Manner(engine="ray").check, "--engine ray needs --store URL"),
        (Manner(engine="ray", store="memory://x").check, "--engine ray needs --store URL"),
        (Manner(engine="ray", store="file:///x", workers=2).check, "--workers are of this machine"),
        (Manner(engine="spark").check, "no engine is called 'spark'; choose local or ray"),
        (Manner(store="file:///x").check, "add --engine ray"),
        (Manner(address="a:1").check, "add --engine ray"),
        (connecting("somewhere"), "give auto or HOST:PORT"),
        (connecting("ray://127.0.0.1:1"), "give auto or HOST:PORT"),
        (connecting(f"127.0.0.1:{free_port()}"), "no Ray cluster can be reached at 127.0.0.1"),
    ],
)
def test_what_cannot_be_is_refused_at_once(what: Callable[[], None], reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        what()
    assert "\n" not in str(caught.value)


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"clusters need ray; pip install 'fewshot-bench\[ray\]'"):
        connecting("auto")()
