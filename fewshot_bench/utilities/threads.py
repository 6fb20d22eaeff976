"""How many of torch's threads a piece of work has, whichever process does it.

The rounding of a training depends on the number of its threads, that of an evaluation does not. So
each kind of training has a number that is the same however many processes share the machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fewshot_bench.utilities.cores import NETWORK_CORES

_whole: list[int] = []  # threads of the machine, if this process has a share of them


def take_share(n_processes: int) -> None:
    """Leave this process its share of the machine, but for the trainings that have their own."""
    whole = torch.get_num_threads()
    take_part(whole, max(1, whole // n_processes))


def take_part(whole: int, part: int) -> None:
    """Let this process compute as a part of a machine of `whole` cores, whatever machine it is."""
    _whole[:] = [whole]
    torch.set_num_threads(part)


def pretraining_threads() -> int:
    """All there are: whatever else is to be done waits for a pretraining."""
    return _whole[0] if _whole else torch.get_num_threads()


def meta_training_threads(on_embeddings: bool) -> int:
    """One on stored embeddings, whose arrays are small; a few for a network on images."""
    return 1 if on_embeddings else min(NETWORK_CORES, pretraining_threads())


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch work with `n` threads while the block lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
