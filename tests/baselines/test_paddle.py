"""PADDLE: against a plain loop, and what it is made for."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe
from tests.oracles import Identity, close


def make(dim: int, **settings: object) -> Any:
    cls = methods["paddle"]
    return cls(Identity(dim), cls.recipe_type.model_validate(settings), 3).double()


def clusters(
    counts: tuple[int, ...], apart: float = 3.0, dim: int = 8
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two tasks of two shots; the queries' labels last."""
    generator = torch.Generator().manual_seed(1)
    n_way = len(counts)
    centres = apart * torch.randn(2, n_way, dim, generator=generator, dtype=torch.float64)
    labels = torch.arange(n_way).repeat(2)
    truth = torch.repeat_interleave(torch.arange(n_way), torch.tensor(counts))
    both = torch.cat([labels, truth])
    noise = torch.randn(2, len(both), dim, generator=generator, dtype=torch.float64)
    points = centres[:, both] + noise
    return points[:, : 2 * n_way], labels.expand(2, -1), points[:, 2 * n_way :], truth


@pytest.mark.parametrize("unit_length", [False, True])
def test_it_does_what_the_paper_says_task_by_task(unit_length: bool) -> None:
    support, labels, query, _ = clusters((5, 2, 4), apart=1.0)
    method = make(8, n_steps=7, strength=0.8, unit_length=unit_length)
    scores = method.classify(support, labels, query, 3)
    if unit_length:
        support, query = (s / s.square().sum(-1, keepdim=True).sqrt() for s in (support, query))
    for t in range(2):
        least, extent = query[t].min(0).values, query[t].max(0).values - query[t].min(0).values
        x, q = (support[t] - least) / extent, (query[t] - least) / extent
        y = F.one_hot(labels[t], 3).double()
        weights, price = (y.T @ x) / y.sum(0)[:, None], torch.zeros(3, dtype=torch.float64)
        for _ in range(7):
            logits = price - torch.cdist(q, weights).square() / 2
            p = logits.softmax(1)
            price = 0.8 * (p.mean(0) + 1e-6).log()
            weights = (p.T @ q + y.T @ x) / (p.sum(0) + y.sum(0))[:, None]
        close(scores[t], logits)


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_class_without_queries_stays_empty(preset: str) -> None:
    support, labels, query, truth = clusters((12, 0, 3), dim=128)
    recipe = build_recipe(methods["paddle"].recipe_type, preset=preset)
    answers = make(128, **recipe.model_dump()).classify(support, labels, query, 3).argmax(-1)
    assert (answers == truth).double().mean() > 0.9
    assert not (answers == 1).any()


def test_a_dimension_in_which_queries_agree_does_no_harm() -> None:
    support, labels, query, _ = clusters((3, 3, 3))
    query[..., 0] = 1.0
    assert torch.isfinite(make(8).classify(support, labels, query, 3)).all()
