"""LaplacianShot: against easyfsl, and against the release's formulas one query at a time."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.ops.basic import squared_distances
from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.baselines.test_bd_cspn import easyfsl
from tests.oracles import close, embedded, load


@pytest.mark.parametrize("n_shot", [1, 5])
def test_agrees_with_easyfsl(shared: Path, n_shot: int) -> None:
    """easyfsl rectifies as its BD-CSPN does, without scale, and does not shift what it scores.

    The release weighs images by a softmax over classes, with a scale of 10, and shifts. easyfsl
    also stops once the bound rests, hence the tolerance.
    """
    data = load(shared, f"easyfsl_laplacian_shot_{n_shot}shot")
    e = embedded(data)
    method: Any = method_of("laplacian-shot", 32, transform="UN", strength=0.7)
    shifted = e.query + e.support.mean(1, keepdim=True) - e.query.mean(1, keepdim=True)
    tasks = zip(e.support, e.support_labels, shifted, strict=True)
    centres = torch.stack([easyfsl(*task) for task in tasks])
    logits = method.smooth(-squared_distances(centres, e.query), e.query).transpose(1, 2)
    assert torch.equal(logits.argmax(-1), data["predictions"].long())
    torch.testing.assert_close(logits.softmax(-1), data["scores"], rtol=0, atol=1e-3)


def rectified(support: Tensor, labels: Tensor, query: Tensor, n_way: int) -> Tensor:
    """Prototypes of one task, ``[n_way, D]``."""
    basic = torch.stack([support[labels == c].mean(0) for c in range(n_way)])
    images = torch.cat([support, query])
    cosines = F.cosine_similarity(images[:, None], basic[None], dim=2)
    members = torch.cat([labels, cosines[len(support) :].argmax(1)])
    weights = (10 * cosines).softmax(1)
    return torch.stack(
        [(weights[members == c, c, None] * images[members == c]).mean(0) for c in range(n_way)]
    )


def plain(support: Tensor, labels: Tensor, query: Tensor, n_way: int, rectify: bool) -> Tensor:
    """Assignments of one task after 20 updates with strength 0.5, ``[Q, n_way]``."""
    support, query = F.normalize(support, dim=1), F.normalize(query, dim=1)
    if rectify:
        query = query + support.mean(0) - query.mean(0)
        centres = rectified(support, labels, query, n_way)
    else:
        centres = torch.stack([support[labels == c].mean(0) for c in range(n_way)])
    unary = [[float((x - m).square().sum()) for m in centres] for x in query]
    distances = (query[:, None] - query[None]).norm(dim=2)
    nearest = [[j for j in row.argsort().tolist() if j != i][:2] for i, row in enumerate(distances)]
    y = [_softmax([-a for a in row]) for row in unary]
    for _ in range(20):
        pulls = [[sum(y[j][c] for j in near) for c in range(n_way)] for near in nearest]
        y = [
            _softmax([0.5 * b - a for a, b in zip(*rows, strict=True)])
            for rows in zip(unary, pulls, strict=True)
        ]
    return torch.tensor(y, dtype=torch.float64)


def _softmax(logits: list[float]) -> list[float]:
    powers = [math.exp(x) for x in logits]
    return [x / sum(powers) for x in powers]


@pytest.mark.parametrize("rectify", [True, False])
@pytest.mark.parametrize(("n_shot", "n_way"), [(1, 5), (5, 5), (3, 2)])
def test_assignments_follow_the_release_query_by_query(
    n_shot: int, n_way: int, rectify: bool
) -> None:
    episode = embedded_tasks(n_shot, n_way=n_way)
    settings: dict[str, Any] = {"transform": "L2N", "strength": 0.5, "rectify": rectify}
    scores = scores_of(method_of("laplacian-shot", 12, n_way, **settings), episode)
    tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
    close(scores.softmax(-1), torch.stack([plain(*task, n_way, rectify) for task in tasks]))


def test_without_neighbours_it_is_simple_shot() -> None:
    episode = embedded_tasks(5)
    expected = scores_of(method_of("simple-shot", 12), episode)
    for off in ({"strength": 0.0}, {"n_neighbours": 1}, {"n_steps": 0}):
        settings: dict[str, Any] = {"rectify": False, **off}
        close(scores_of(method_of("laplacian-shot", 12, **settings), episode), expected)


def test_fewer_queries_than_neighbours_will_do() -> None:
    episode = embedded_tasks(1, n_way=2, n_query=1)
    assert torch.isfinite(method_of("laplacian-shot", 12, 2, n_neighbours=9)(episode)).all()
