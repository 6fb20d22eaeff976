"""Work shared among the cores: one thread for each, and a replica of the method for each thread."""

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)
Item = TypeVar("Item")
Found = TypeVar("Found")


def map_on_cores(
    module: Module,
    work: Callable[[Module, Item], Found],
    items: Iterable[Item],
    most: int | None = None,
) -> Iterator[Found]:
    """Yield ``work(replica, item)`` of every item, in their order.

    On a CPU each thread of torch's works on another item, as operations on small arrays gain
    little from more than one thread. On other devices, and if the module cannot be copied, there
    is one item at a time.

    Args:
        module: what the work needs; threads must not share it, as it may change while it runs.
        work: of an item; gradients are as in a new thread, that is on.
        items: what there is to do.
        most: items at a time, for those that take much memory; none: one for each thread.
    """
    n_cores = torch.get_num_threads()
    replicas, own = _replicas(module, min(n_cores, most or n_cores)), threading.local()
    if not replicas:
        yield from (work(module, item) for item in items)
        return

    def begin() -> None:
        torch.set_num_threads(1)
        own.module = replicas.pop()

    pool = ThreadPoolExecutor(len(replicas), initializer=begin)
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


def _replicas(module: Module, n: int) -> list[Module]:
    """One for each thread; none if one thread, or none of ours, is to do the work."""
    weight = next(chain(module.parameters(), module.buffers()), None)
    if n == 1 or (weight is not None and weight.device.type != "cpu"):
        return []
    try:
        return [replica(module) for _ in range(n)]
    except TypeError:  # it holds what cannot be copied, as a file or a lock
        return []


def replica(module: Module) -> Module:
    """Copy a module, but not its weights and buffers: those are shared."""
    shared = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    return copy.deepcopy(module, shared)
