"""The answer to one task whose queries nobody has labelled."""

import torch
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.evaluation.finite import require_finite_scores
from fewshot_bench.method import Method

_ROWS = 10_000  # of embeddings that an inductive method is asked at once
_IMAGES = 100


@torch.no_grad()
def task_scores(
    method: Method,
    support: Tensor,
    support_labels: Tensor,
    query: Tensor,
    n_way: int,
    embedded: bool = False,
) -> Tensor:
    """Score the queries of one task: all together for a transductive method, else in parts.

    Args:
        method: in evaluation mode.
        support: ``[S, ...]``, images or embeddings.
        support_labels: int64 ``[S]``.
        query: ``[Q, ...]``.
        n_way: classes of the task.
        embedded: True if support and query are embedded and transformed already.

    Returns:
        float64 ``[Q, n_way]`` on the CPU; softmax makes them probabilities.

    Raises:
        UsageError: some are not finite; the first query that has such, and the method.
    """
    size = _IMAGES if query.ndim > 2 else _ROWS
    parts = [query] if method.setting == "transductive" else torch.split(query, size)
    shown, labels = support[None], support_labels[None]
    scores = [method(Episode(shown, labels, part[None], n_way, embedded))[0] for part in parts]
    return require_finite_scores(method, torch.cat(scores), what="query").double().cpu()
