"""BD-CSPN: against easyfsl, and against the paper's formulas worked out one class at a time."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.ops.basic import cosine
from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load


@pytest.mark.parametrize("n_shot", [1, 5])
def test_agrees_with_easyfsl(shared: Path, n_shot: int) -> None:
    """easyfsl has no scale and no unit lengths, and shifts the queries for the prototypes alone.

    In the paper the shift is made to the queries themselves, so also to those that are scored.
    """
    data = load(shared, f"easyfsl_bd_cspn_{n_shot}shot")
    e = embedded(data)
    method: Any = method_of("bd-cspn", 32, transform="UN", scale=1.0)
    shifted = e.query + e.support.mean(1, keepdim=True) - e.query.mean(1, keepdim=True)
    rectified = method.rectify(e.support, e.support_labels, shifted, 5)
    close(cosine(e.query, rectified), data["scores"])


def plain(support: Tensor, labels: Tensor, query: Tensor, n_way: int, scale: float) -> Tensor:
    """Scores ``[Q, n_way]`` of one task."""
    support, query = F.normalize(support, dim=1), F.normalize(query, dim=1)
    query = query + support.mean(0) - query.mean(0)
    basic = torch.stack([support[labels == c].mean(0) for c in range(n_way)])
    nearest = F.cosine_similarity(query[:, None], basic[None], dim=2).argmax(1)
    rectified = []
    for c in range(n_way):
        images = torch.cat([support[labels == c], query[nearest == c]])
        weights = (scale * F.cosine_similarity(images, basic[c : c + 1])).exp()
        rectified.append((weights[:, None] * images).sum(0) / weights.sum())
    return scale * F.cosine_similarity(query[:, None], torch.stack(rectified)[None], dim=2)


@pytest.mark.parametrize(("n_shot", "n_way"), [(1, 5), (5, 5), (3, 2)])
def test_scores_follow_the_paper_class_by_class(n_shot: int, n_way: int) -> None:
    episode = embedded_tasks(n_shot, n_way=n_way)
    scores = scores_of(method_of("bd-cspn", 12, n_way, transform="L2N", scale=7.0), episode)
    tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
    close(scores, torch.stack([plain(*task, n_way, 7.0) for task in tasks]))


def test_a_class_that_no_query_is_given_keeps_its_support() -> None:
    episode = embedded_tasks(2)
    query = episode.support[:, :1].expand(-1, 4, -1)  # all queries are one image
    scores = method_of("bd-cspn", 12).classify(episode.support, episode.support_labels, query, 5)
    assert torch.isfinite(scores).all()
