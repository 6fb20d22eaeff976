"""Copies of the process that share its work: what they find, how they end, and what they cost."""

import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fewshot_bench.evaluation.copies import can_copy, map_in_copies
from fewshot_bench.utilities.mistakes import ordinary
from fewshot_bench.utilities.peak import peak_memory

pytestmark = pytest.mark.skipif(not can_copy(), reason="this process cannot be copied")


def test_each_copy_does_every_nth_item_and_changes_nothing_here() -> None:
    seen: list[int] = []

    def work(item: int) -> tuple[int, list[int]]:
        seen.append(item)
        return os.getpid(), list(seen)

    found = list(map_in_copies(work, range(7), 3))
    assert [done for _, done in found] == [list(range(i % 3, i + 1, 3)) for i in range(7)]
    assert len({pid for pid, _ in found}) == 3
    assert not seen
    assert list(map_in_copies(work, range(0), 3)) == []


def test_gradients_are_made_where_they_were_made_before() -> None:
    torch.ones(3, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]

    def work(item: int) -> float:
        weight = torch.full((1000,), float(item), requires_grad=True)
        (weight @ weight).backward()  # type: ignore[no-untyped-call]
        assert weight.grad is not None
        return float(weight.grad[0])

    assert list(map_in_copies(work, range(4), 2)) == [0, 2, 4, 6]


class AwkwardError(Exception):
    """Cannot be read again by another process."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (KeyError("lost"), KeyError, "lost"),
        (AwkwardError(1, 2), RuntimeError, "AwkwardError: 1 and 2"),
    ],
)
def test_an_error_comes_with_where_it_was_raised(
    error: Exception, kind: type[Exception], said: str
) -> None:
    def unlucky(item: int) -> None:
        raise error

    with pytest.raises(kind, match=said) as caught:
        list(map_in_copies(unlucky, range(3), 2))
    assert "in unlucky" in caught.value.__notes__[0]


def test_a_copy_that_the_system_kills_is_too_little_memory() -> None:
    with pytest.raises(MemoryError) as caught:
        list(map_in_copies(lambda _: os.kill(os.getpid(), signal.SIGKILL), range(3), 2))
    assert "there is too little memory" in str(ordinary(caught.value))
    with pytest.raises(RuntimeError, match="exit code 3"):
        list(map_in_copies(lambda _: os._exit(3), range(3), 2))


def beat(file: Path) -> Callable[[int], None]:
    """Return what says for a minute that it is alive."""

    def work(item: int) -> None:
        for _ in range(600):
            file.write_text(str(time.monotonic()))
            time.sleep(0.1)

    return work


def assert_still(file: Path) -> None:
    """Nobody says any more that it is alive."""
    time.sleep(0.3)
    before = file.read_text()
    time.sleep(0.5)
    assert file.read_text() == before


def test_copies_end_when_nobody_asks_any_more(tmp_path: Path) -> None:
    def work(item: int) -> int:
        if item:
            beat(tmp_path / "alive")(item)
        return item

    found = map_in_copies(work, range(4), 2)
    assert next(found) == 0
    while not (tmp_path / "alive").exists():
        time.sleep(0.01)
    found.close()  # type: ignore[attr-defined]
    assert_still(tmp_path / "alive")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_copies_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from fewshot_bench.evaluation.copies import map_in_copies\n"
        "from fewshot_bench.utilities.signals import interruptible\n"
        "from tests.evaluation.test_copies import beat\n"
        "with interruptible(): list(map_in_copies(beat(Path(sys.argv[1])), range(4), 2))\n"
    )
    file = tmp_path / "alive"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, file], start_new_session=True, stderr=subprocess.PIPE
    )
    while not (file.exists() and file.read_text()):
        assert parent.poll() is None
        time.sleep(0.05)
    os.killpg(parent.pid, number) if number == signal.SIGINT else parent.send_signal(number)
    parent.wait(20)
    assert_still(file)


def test_what_copies_print_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", end=" ")
    list(map_in_copies(lambda item: print(f"item {item}"), range(2), 1))
    assert capfd.readouterr().out == "before item 0\nitem 1\n"


def test_memory_that_copies_take_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fewshot_bench.utilities.peak._copies", [0])  # of other tests
    before = peak_memory()

    def work(_: int) -> None:
        with mmap.mmap(-1, 2**28) as fresh:  # not what the allocator has kept
            for page in range(0, len(fresh), mmap.PAGESIZE):
                fresh[page] = 1

    list(map_in_copies(work, range(2), 2))
    assert peak_memory() - before > 1.8 * 2**28
