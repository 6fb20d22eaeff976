"""Work on all cores: the same results in the same order, by copies and by threads."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from fewshot_bench.evaluation.copies import can_copy
from fewshot_bench.evaluation.parallel import ahead, map_on_cores, replica


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch, two_threads: None) -> None:
    """Share work among threads, as where a process cannot be copied."""
    monkeypatch.setattr("fewshot_bench.evaluation.parallel.can_copy", lambda: False)


@pytest.fixture(params=["copies", "threads"])
def shared(request: pytest.FixtureRequest, two_threads: None) -> None:
    """Share work in each way that there is."""
    if request.param == "threads":
        request.getfixturevalue("threads")


class Busy(nn.Module):
    """Remembers its last item for a while, as a method that swaps weights does."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.item = -1

    def echo(self, item: int) -> tuple[int, tuple[int, int]]:
        self.item = item
        time.sleep(0.002)
        return self.item, place()


def place() -> tuple[int, int]:
    """Tell process and thread from others."""
    return os.getpid(), threading.get_ident()


def test_results_come_in_order_from_elsewhere(shared: None) -> None:
    before = threading.active_count()
    found = list(map_on_cores(Busy(), Busy.echo, range(50)))
    assert threading.active_count() == before
    assert [item for item, _ in found] == list(range(50))
    places = {where for _, where in found}
    assert len(places) == 2
    assert place() not in places


def test_copies_are_processes_where_they_can_be(two_threads: None) -> None:
    found = set(map_on_cores(Busy(), lambda _, __: os.getpid(), range(50)))
    assert (os.getpid() not in found) == can_copy()
    assert can_copy() == (sys.platform == "linux" and not torch.accelerator.is_available())


def test_items_at_a_time_can_be_fewer(shared: None) -> None:
    found = list(map_on_cores(Busy(), Busy.echo, range(5), most=1))
    assert {where for _, where in found} == {place()}


def test_each_worker_of_ours_has_one_of_torchs_threads_and_the_caller_keeps_its_own(
    shared: None,
) -> None:
    threads = set(map_on_cores(Busy(), lambda _, __: torch.get_num_threads(), range(20)))
    assert threads == {1}
    assert torch.get_num_threads() == 2


def test_a_failure_reaches_the_caller_and_ends_the_work(shared: None, tmp_path: Path) -> None:
    def work(_: Busy, item: int) -> None:
        time.sleep(0.002)
        if item == 3:
            raise ValueError("item 3")
        (tmp_path / str(item)).touch()

    with pytest.raises(ValueError, match="item 3"):
        list(map_on_cores(Busy(), work, range(1000)))
    assert len(list(tmp_path.iterdir())) < 100
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_in_threads_what_cannot_be_copied_is_worked_with_in_turn() -> None:
    module = Busy()
    module.lock = threading.Lock()  # type: ignore[assignment]
    found = list(map_on_cores(module, Busy.echo, range(5)))
    assert found == [(item, place()) for item in range(5)]


def test_a_replica_shares_weights_and_nothing_else() -> None:
    busy = Busy()
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), busy)
    copied = replica(module)
    pairs = zip(module.state_dict().values(), copied.state_dict().values(), strict=True)
    assert all(own.data_ptr() == shared.data_ptr() for own, shared in pairs)
    assert copied[2] is not busy
    assert isinstance(copied[2], Busy)


def test_what_is_done_ahead_comes_in_order_and_is_bounded() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.002 * (item % 3))
        return item

    found = ahead(work, range(20), n_threads=3)
    assert [next(found) for _ in range(5)] == list(range(5))
    assert max(begun) <= 8  # three that are waiting, and the last that was asked for
    assert list(found) == list(range(5, 20))
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda item: 1 // item, [1, 0, 1]))
