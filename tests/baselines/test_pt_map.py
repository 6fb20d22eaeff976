"""PT-MAP: against plain loops, and easyfsl's reading."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from tests.baselines.made_up import scores_of
from tests.oracles import Identity, close, embedded, load


def make(dim: int, **settings: object) -> Any:
    cls = methods["pt-map"]
    return cls(Identity(dim), cls.recipe_type.model_validate(settings), 3).double()


def answer(method: Any, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
    """Scores of 3-way tasks, of embeddings as the backbone gives them."""
    return scores_of(method, Episode(support, labels, query, 3, embedded=True))


def task() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(2, 15, 20, generator=generator, dtype=torch.float64)
    return x[:, :6], torch.tensor([[0, 1, 2, 2, 1, 0], [2, 1, 0, 0, 1, 2]]), x[:, 6:]


def transport(cost: Tensor) -> Tensor:
    """Sinkhorn as the release writes it: rows of mass 1, columns of equal mass, to the end."""
    plan = (-10 * cost).exp()
    for _ in range(5000):
        plan = plan / plan.sum(1, keepdim=True)
        plan = plan * (len(plan) / plan.shape[1] / plan.sum(0))
    return plan


@pytest.mark.parametrize("settings", [{}, {"n_steps": 3, "power": 1.0}, {"centre": False}])
def test_it_does_what_the_release_does_task_by_task(settings: dict[str, object]) -> None:
    method = make(20, n_balancing=5000, **settings)
    support, labels, query = task()
    scores = answer(method, support, labels, query)
    for t in range(2):
        sets = [F.normalize((s[t] + 1e-6) ** method.recipe.power, dim=1) for s in (support, query)]
        if method.recipe.centre:
            sets = [F.normalize(s - s.mean(0), dim=1) for s in sets]
        # An isometry, in which nothing changes: the release's QR reduction.
        reduced = torch.linalg.qr(torch.cat(sets).T).R.T
        x, q = reduced[:6], reduced[6:]
        y = F.one_hot(labels[t], 3).double()
        centres = (y.T @ x) / y.sum(0)[:, None]
        for _ in range(method.recipe.n_steps):
            members = torch.cat([y, transport(torch.cdist(q, centres).square())])
            means = (members.T @ reduced) / members.sum(0)[:, None]
            centres = centres + 0.2 * (means - centres)
        close(scores[t].exp(), transport(torch.cdist(q, centres).square()))


def test_every_class_gets_its_share() -> None:
    assigned = answer(make(20, n_balancing=1000), *task()).exp()
    close(assigned.sum(-1), torch.ones(2, 9))
    torch.testing.assert_close(assigned.sum(1), torch.full((2, 3), 3.0, dtype=torch.float64))


def test_negative_entries_count_as_zero() -> None:
    support, labels, query = task()
    support[0, 0, 0] = 0
    changed = support.clone()
    changed[0, 0, 0] = -7
    method = make(20)
    assert torch.equal(
        answer(method, support, labels, query), answer(method, changed, labels, query)
    )


@pytest.mark.parametrize("shot", [1, 5])
def test_pt_map_agrees_with_easyfsl(shared: Path, shot: int) -> None:
    """easyfsl leaves the centring out, and moves the centres 10 times instead of 20."""
    data = load(shared, f"easyfsl_pt_map_{shot}shot")
    episode = embedded(data)
    method = make(data["support"].shape[-1], centre=False, n_steps=10)
    scores = scores_of(method, episode)
    assert (scores.argmax(-1) == data["predictions"]).double().mean() >= 0.99
