"""Our episodes as tasksets of learn2learn: ``for data, labels in tasks``."""

import random
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.data.dataset import SPLITS, Split
from fewshot_bench.data.store import open_dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError

ENDLESS = -1  # as learn2learn writes it
_SAMPLED = 2**31  # episodes that `sample` chooses from, if there is no end


class Taskset:
    """The episodes of a source, each as one batch in the layout of learn2learn.

    Task *i* is episode *i* of the source, so that task and episode can be compared: of class 0 the
    support, then the queries, then those of class 1, and so on. learn2learn's Lightning modules
    and ``learn2learn.data.partition_task`` divide it into the episode's support and queries again;
    scripts that adapt to every other row divide it otherwise.

    Args:
        source: of the episodes, their queries balanced.
        num_tasks: how many tasks there are; -1: endlessly many.
        device: where the tasks shall lie.
    """

    def __init__(
        self,
        source: EpisodeSource,
        num_tasks: int = ENDLESS,
        device: str | torch.device = "cpu",
    ) -> None:
        if source.spec.dirichlet is not None or source.spec.n_query_way is not None:
            raise UsageError("a taskset has equally many queries of each class; balance them")
        if num_tasks != ENDLESS and num_tasks < 1:
            raise UsageError(f"a taskset has 1 task or more, or -1 for no end, not {num_tasks}")
        self.source, self.num_tasks, self.device = source, num_tasks, torch.device(device)

    def __len__(self) -> int:
        """How many tasks; 1 for an endless set, as in learn2learn."""
        return 1 if self.num_tasks == ENDLESS else self.num_tasks

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Go through the tasks in order."""
        numbers = count() if self.num_tasks == ENDLESS else range(self.num_tasks)
        return map(self.__getitem__, numbers)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        """Return data ``[n_way * (n_shot + n_query), ...]`` and int64 labels of task `i`."""
        if i < 0 or (self.num_tasks != ENDLESS and i >= self.num_tasks):
            raise IndexError(f"there is no task {i}")
        episode = self.source.indices(i, 1)
        rows = np.concatenate([episode.support[0], episode.query[0]])
        labels = np.concatenate([episode.support_labels[0], episode.query_labels[0]])
        order = np.argsort(labels, kind="stable")  # keeps support before queries
        data = self.source.split.tensor(rows[order], self.device)
        return data, torch.from_numpy(labels[order]).to(self.device)

    def sample(self) -> tuple[Tensor, Tensor]:
        """Return a task that Python's random numbers choose, as learn2learn does."""
        n = _SAMPLED if self.num_tasks == ENDLESS else self.num_tasks
        return self[random.randrange(n)]


class Tasksets(NamedTuple):
    """One taskset a split, as ``learn2learn.vision.benchmarks.get_tasksets`` returns them."""

    train: Taskset
    validation: Taskset
    test: Taskset


def tasksets(
    dataset: str,
    *,
    n_way: int = 5,
    n_shot: int = 1,
    n_query: int = 15,
    num_tasks: int = ENDLESS,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Tasksets:
    """Make tasksets of learn2learn from a data set's splits.

    With seed 0 the tasks of the test split are the very episodes that ``fsbench run`` measures on.

    Args:
        dataset: name of a data set.
        n_way: classes of a task.
        n_shot: support images of each class.
        n_query: queries of each class.
        num_tasks: of each set; -1: endlessly many.
        seed: of the episodes.
        device: where the tasks shall lie.

    Raises:
        UsageError: the data set is not there, lacks a split, or has too few images.

    Example:
        >>> import fewshot_bench as fsb
        >>> tasks = fsb.tasksets("glyphs", n_shot=1, n_query=3, num_tasks=2).test
        >>> data, labels = next(iter(tasks))
        >>> len(tasks), tuple(data.shape)
        (2, (20, 1, 28, 28))
        >>> labels[:6].tolist()
        [0, 0, 0, 0, 1, 1]
    """
    opened, spec = open_dataset(dataset), EpisodeSpec(n_way, n_shot, n_query)
    splits: list[Split] = [opened[name] for name in SPLITS]
    sources = [EpisodeSource(split, spec, seed) for split in splits]
    return Tasksets(*(Taskset(source, num_tasks, device) for source in sources))
