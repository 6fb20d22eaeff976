"""Numerics that several methods share; every function takes a batch of T tasks."""

import torch
import torch.nn.functional as F
from torch import Tensor


def one_hot(labels: Tensor, n_way: int, like: Tensor) -> Tensor:
    """Return labels ``[T, S]`` as ``[T, S, n_way]`` of the type of `like`."""
    return F.one_hot(labels, n_way).to(like.dtype)


def prototypes(support: Tensor, support_labels: Tensor, n_way: int) -> Tensor:
    """Mean of the support embeddings of each class.

    Args:
        support: ``[T, S, D]``.
        support_labels: int64 ``[T, S]``; every class occurs.
        n_way: number of classes.

    Returns:
        ``[T, n_way, D]``.
    """
    weights = one_hot(support_labels, n_way, support)
    return (weights / weights.sum(1, keepdim=True)).transpose(1, 2) @ support


def squared_distances(query: Tensor, centres: Tensor) -> Tensor:
    """Squared Euclidean distances of ``[T, Q, D]`` to ``[T, W, D]``: ``[T, Q, W]``."""
    cross = query @ centres.transpose(1, 2)
    squares = query.square().sum(-1)[..., None] + centres.square().sum(-1)[:, None]
    return squares - 2 * cross


def cosine(query: Tensor, centres: Tensor) -> Tensor:
    """Cosines of ``[T, Q, D]`` with ``[T, W, D]``: ``[T, Q, W]``."""
    return F.normalize(query, dim=-1) @ F.normalize(centres, dim=-1).transpose(1, 2)


def accuracy(scores: Tensor, labels: Tensor) -> Tensor:
    """Fraction of right answers of each task, float64 ``[T]`` on the CPU.

    Args:
        scores: ``[T, Q, W]``.
        labels: ``[T, Q]``.
    """
    return (scores.argmax(-1) == labels).cpu().to(torch.float64).mean(-1)
