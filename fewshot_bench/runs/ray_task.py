"""What a process of a Ray cluster does: a task, with what it needs from the store, and back."""

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import installed_code
from fewshot_bench.runs.cells import Cell, SharedWork
from fewshot_bench.runs.travelling import Data, bring_data, data_of
from fewshot_bench.utilities.files import CannotWriteError, home, require_writable
from fewshot_bench.utilities.mistakes import to_send
from fewshot_bench.utilities.progress import Step, told_to
from fewshot_bench.utilities.shared_store import SharedStore, StoreError, sharing_through
from fewshot_bench.utilities.signals import Interrupted, interruptible
from fewshot_bench.utilities.worker import now_and_then

Told = tuple[str, Literal["begun", "step"], Step | None]


@dataclass(frozen=True)
class Orders:
    """What all tasks of a plan have in common.

    Attributes:
        store: URL of the shared store.
        code: of the machine that asks, see `installed_code`.
        cores: threads of a training that has a machine to itself: as many as where it is asked.
        device, force, keep_predictions: see `Manner`.
    """

    store: str
    code: str
    cores: int
    device: str = "cpu"
    force: bool = False
    keep_predictions: bool = False


@dataclass(frozen=True)
class Ended:
    """How a task came to its end.

    Attributes:
        kind: ``done``, ``failed`` or ``stopped`` by a signal.
        error: why it failed.
        trace: of what nobody foresaw.
    """

    kind: Literal["done", "failed", "stopped"]
    error: UsageError | None = None
    trace: str = ""


class Teller:
    """An actor that hands on what processes tell of their tasks."""

    def __init__(self) -> None:
        self._told: list[Told] = []

    def tell(self, *told: Any) -> None:
        """Note a piece of news."""
        self._told.append(told)

    def take(self) -> list[Told]:
        """Return what was told since the last time."""
        told, self._told = self._told, []
        return told


def prepare_node(orders: Orders, data: Iterable[Data]) -> Ended:
    """See whether tasks can be done on this node, and bring the data sets that they need."""
    try:
        store = _settled(orders)
        with _on_this_node():
            for name, checksum in data:
                bring_data(store, name, checksum)
    except Exception as error:
        return Ended("failed", *to_send(error))
    return Ended("done")


def do(orders: Orders, name: str, what: Cell | SharedWork, part: int, teller: Any) -> Ended:
    """Measure a cell, or make shared work, and put what comes out into the store.

    Args:
        orders: for all tasks.
        name: of the task.
        what: is to be done.
        part: cores that it keeps busy, but for trainings that have a number of their own.
        teller: handle of a `Teller`.
    """

    def tell(step: Step) -> None:
        teller.tell.remote(name, "step", step)

    teller.tell.remote(name, "begun", None)
    try:
        store = _settled(orders)
        with interruptible(), told_to(now_and_then(tell)), sharing_through(store):
            configs = [what.config] if isinstance(what, SharedWork) else what.possible
            with _on_this_node():
                for data in data_of(configs):
                    bring_data(store, *data)
            _job(orders, part)(what)
    except Interrupted:
        return Ended("stopped")
    except Exception as error:
        return Ended("failed", *to_send(error))
    return Ended("done")


def _job(orders: Orders, part: int) -> Callable[[Cell | SharedWork], None]:
    """Return what does a task in this process."""
    from fewshot_bench.runs.receiving import Maker
    from fewshot_bench.runs.shared import make_shared
    from fewshot_bench.utilities.devices import pick_device
    from fewshot_bench.utilities.memory import keep_freed_memory
    from fewshot_bench.utilities.threads import take_part

    keep_freed_memory()
    take_part(orders.cores, part)
    device, force = pick_device(orders.device), orders.force
    maker = Maker(device, force=force, keep_predictions=orders.keep_predictions)

    def job(what: Cell | SharedWork) -> None:
        if isinstance(what, Cell):
            maker.measure_cell(what)
        else:
            make_shared(what, device, force)

    return job


@cache
def _settled(orders: Orders) -> SharedStore:
    """Return the store, when this process, and its node, are found fit."""
    with _on_this_node():
        if installed_code() != orders.code:
            raise UsageError(
                "its fewshot_bench, a plugin, torch, numpy or scipy differs from that of this "
                "command; install the same there"
            )
        require_writable(home())
        store = SharedStore(orders.store)
        store.prepare()
    return store


@contextmanager
def _on_this_node() -> Iterator[None]:
    """Name the node in what a user has to mend there."""
    try:
        yield
    except (CannotWriteError, StoreError) as error:
        raise type(error)(f"node {platform.node()}: {error}") from None
    except UsageError as error:
        raise UsageError(f"node {platform.node()}: {error}") from None
