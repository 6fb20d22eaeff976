"""Soft k-means of a task's queries, whose labelled images stay with their class."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.ops.basic import mixed_distances

Number = float | Tensor


def soft_clusters(gram: Tensor, targets: Tensor, rounds: Iterable[tuple[Number, Number]]) -> Tensor:
    """Assign queries to class means, and take the means of what was assigned, in turn.

    The logits of a round are ``sharpness · (reward · log share - distance² / 2)``: each class is
    rewarded for the share of the queries that it had in the round before. The first round starts
    from the means of the support, and rewards none.

    Args:
        gram: inner products of the images, support first, ``[T, S + Q, S + Q]``.
        targets: one-hot labels of the support, ``[T, n_way, S]``.
        rounds: sharpness and reward of each round, at least one.

    Returns:
        Logits of the queries in the last round, ``[T, n_way, Q]``; classes come first because a
        softmax over the middle dimension is several times faster.
    """
    n_support = targets.shape[-1]
    members = F.pad(targets, (0, gram.shape[-1] - n_support))
    shares = torch.zeros_like(members[..., :1])  # logarithms
    for sharpness, reward in rounds:
        mix = members / members.sum(-1, keepdim=True)
        apart = mixed_distances(gram, mix)[..., n_support:]
        logits = sharpness * (reward * shares - apart / 2)
        assigned = logits.softmax(1)
        members = torch.cat([targets, assigned], dim=-1)
        shares = (assigned.mean(-1, keepdim=True) + 1e-6).log()
    return logits


def gram_of(support: Tensor, query: Tensor) -> Tensor:
    """Inner products of all images of a task, support first, ``[T, S + Q, S + Q]``."""
    points = torch.cat([support, query], dim=1)
    return points @ points.transpose(1, 2)
