"""Work shared among the cores: a copy of the process, or a thread and a replica, for each."""

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

import torch
from torch import nn

from fewshot_bench.evaluation.copies import can_copy, map_in_copies

Module = TypeVar("Module", bound=nn.Module)
Item = TypeVar("Item")
Found = TypeVar("Found")


def map_on_cores(
    module: Module,
    work: Callable[[Module, Item], Found],
    items: Sequence[Item],
    most: int | None = None,
) -> Iterator[Found]:
    """Yield ``work(module, item)`` of every item, in their order.

    On a CPU each core works on another item with one thread of torch's, as operations on small
    arrays gain little from more: copies of this process where it can be copied, else threads.
    On other devices, and in threads if the module cannot be copied, there is one item at a time.

    Args:
        module: what the work needs; what it changes there may be lost.
        work: of an item; whether it makes gradients is for it to say.
        items: what there is to do.
        most: items at a time, for those that take much memory; none: one for each core.
    """
    n_cores = torch.get_num_threads()
    n = min(n_cores, most or n_cores)
    if n == 1 or _is_elsewhere(module):
        yield from (work(module, item) for item in items)
    elif can_copy():
        yield from map_in_copies(lambda item: work(module, item), items, n)
    else:
        yield from _map_in_threads(module, work, items, n)


def _map_in_threads(
    module: Module, work: Callable[[Module, Item], Found], items: Sequence[Item], n: int
) -> Iterator[Found]:
    """Share items among threads, which must not share the module, as it may change at work."""
    n_cores = torch.get_num_threads()
    replicas, own = _replicas(module, n), threading.local()
    if not replicas:
        yield from (work(module, item) for item in items)
        return

    def begin() -> None:
        torch.set_num_threads(1)
        own.module = replicas.pop()

    pool = ThreadPoolExecutor(n, initializer=begin)
    try:
        yield from pool.map(lambda item: work(own.module, item), items)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(n_cores)


def ahead(
    work: Callable[[Item], Found], items: Iterable[Item], n_threads: int = 4
) -> Iterator[Found]:
    """Yield ``work(item)`` of every item, in their order, the next ones being worked on meanwhile.

    Args:
        work: of an item, which threads may do side by side.
        items: what there is to do.
        n_threads: that work; as many items are waiting at most.
    """
    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[Found]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _is_elsewhere(module: Module) -> bool:
    weight = next(chain(module.parameters(), module.buffers()), None)
    return weight is not None and weight.device.type != "cpu"


def _replicas(module: Module, n: int) -> list[Module]:
    """One for each of `n` threads, or none if it holds what cannot be copied, as a file."""
    try:
        return [replica(module) for _ in range(n)]
    except TypeError:
        return []


def replica(module: Module) -> Module:
    """Copy a module, but not its weights and buffers: those are shared."""
    shared = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    return copy.deepcopy(module, shared)
