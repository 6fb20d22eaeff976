"""What an episode consists of: a batch of tasks as a method gets it, and the indices behind it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Episode:
    """A batch of T tasks, without the queries' labels: those the evaluator keeps to itself.

    Attributes:
        support: ``[T, S, ...]``, images ``[C, H, W]`` or embeddings ``[D]``.
        support_labels: int64 ``[T, S]`` in ``0 .. n_way - 1``.
        query: ``[T, Q, ...]``.
        n_way: classes of each task.
        embedded: True if support and query are embeddings already.
        classes: in meta-training only, which classes of the train split the labels stand for,
            int64 ``[T, n_way]``.
    """

    support: Tensor
    support_labels: Tensor
    query: Tensor
    n_way: int
    embedded: bool = False
    classes: Tensor | None = None

    def embed(self, network: Callable[[Tensor], Tensor]) -> "Episode":
        """Return the episode with all images of all tasks embedded as one batch."""
        if self.embedded:
            return self
        images = torch.cat([self.support, self.query], dim=1)
        features = network(images.flatten(0, 1)).reshape(*images.shape[:2], -1)
        n_support = self.support.shape[1]
        support, query = features[:, :n_support], features[:, n_support:]
        return replace(self, support=support, query=query, embedded=True)


@dataclass(frozen=True, eq=False)
class EpisodeIndices:
    """Which images make n episodes: rows of indices into a split, with their labels.

    Attributes:
        support, support_labels: int64 ``[n, S]``.
        query, query_labels: int64 ``[n, Q]``.
        classes: int64 ``[n, n_way]``, the classes of the split that the labels stand for.
    """

    support: Indices
    support_labels: Indices
    query: Indices
    query_labels: Indices
    classes: Indices

    def part(self, start: int, size: int) -> "EpisodeIndices":
        """Return the episodes from `start` on, at most `size`."""
        columns = (getattr(self, column.name) for column in fields(self))
        return EpisodeIndices(*(column[start : start + size] for column in columns))

    def update(self, digest: "hashlib._Hash") -> None:
        """Feed the episodes to a digest, one after another, so that chunks do not matter."""
        rows = [self.support, self.support_labels, self.query, self.query_labels]
        digest.update(np.concatenate(rows, axis=1).astype("<i4").tobytes())
