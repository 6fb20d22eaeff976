"""TIM and alpha-TIM: gradients, closed-form steps, and easyfsl's reading."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from tests.baselines.made_up import scores_of
from tests.oracles import Identity, close, embedded, load


def make(name: str, dim: int, **settings: object) -> Any:
    cls = methods[name]
    return cls(Identity(dim), cls.recipe_type.model_validate(settings), 3).double()


def task() -> tuple[Tensor, Tensor, Tensor]:
    """Two 3-way tasks of 2 shots and 8 queries, of unit length."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 14, 6, generator=generator, dtype=torch.float64)
    labels = torch.tensor([[0, 1, 2, 2, 1, 0], [2, 1, 0, 0, 1, 2]])
    x = F.normalize(x, dim=-1)
    return x[:, :6], labels, x[:, 6:]


def written_loss(
    weights: Tensor, support: Tensor, labels: Tensor, query: Tensor, recipe: Any, alpha: float
) -> Tensor:
    """The loss of one task as the papers state it; alpha = 1 stands for Shannon's entropy."""

    def probabilities(x: Tensor) -> Tensor:
        apart = torch.stack([(x - w).square().sum(-1) for w in weights], -1)
        p: Tensor = (-recipe.temperature / 2 * apart).softmax(-1)
        return p

    def entropy(p: Tensor) -> Tensor:
        if alpha == 1:
            return -(p * p.log()).sum(-1)
        return (1 - (p**alpha).sum(-1)) / (alpha - 1)

    error = -probabilities(support)[range(len(labels)), labels].log().mean()
    p = probabilities(query)
    loss: Tensor = recipe.support_weight * error - recipe.marginal_weight * entropy(p.mean(0))
    loss += recipe.conditional_weight * entropy(p).mean()
    return loss


@pytest.mark.parametrize(("name", "alpha"), [("tim", 1.0), ("alpha-tim", 2.0), ("alpha-tim", 7.0)])
def test_steps_follow_the_gradient_of_the_loss(name: str, alpha: float) -> None:
    settings: dict[str, object] = {"n_steps": 4, "lr": 0.01, "marginal_weight": 1.7}
    method = make(name, 6, **settings, **({} if name == "tim" else {"alpha": alpha}))
    support, labels, query = task()
    scores = method.classify(support, labels, query, 3)
    for t in range(2):
        means = [support[t][labels[t] == k].mean(0) for k in range(3)]
        weights = torch.stack(means).requires_grad_()
        optimizer = torch.optim.Adam([weights], lr=0.01)
        for _ in range(4):
            optimizer.zero_grad()
            loss = written_loss(weights, support[t], labels[t], query[t], method.recipe, alpha)
            torch.autograd.backward(loss)
            optimizer.step()
        apart = torch.cdist(query[t], weights.detach()).square()
        close(scores[t].softmax(-1), (-7.5 * apart).softmax(-1))


def test_alternation_takes_the_closed_form_steps() -> None:
    """As section 2.3 writes them, class by class and image by image."""
    method = make("tim", 6, solver="alternating", n_alternations=3, support_weight=0.4)
    support, labels, query = task()
    scores = method.classify(support, labels, query, 3)
    for t in range(2):
        x, q, y = support[t], query[t], F.one_hot(labels[t], 3).double()
        weights = (y.T @ x) / y.sum(0)[:, None]
        for _ in range(3):
            p, p_support = ((-7.5 * torch.cdist(z, weights).square()).softmax(-1) for z in (q, x))
            ideal = p**1.1 / (p**1.1).sum(0).sqrt()
            ideal = ideal / ideal.sum(1, keepdim=True)
            new = torch.empty_like(weights)
            for k in range(3):
                of_support, of_query = 0.4 / 1.1, 6 / 8
                above = of_support * (y[:, k, None] * x + p_support[:, k, None] * (weights[k] - x))
                more = of_query * (ideal[:, k, None] * q + p[:, k, None] * (weights[k] - q))
                below = of_support * y[:, k].sum() + of_query * ideal[:, k].sum()
                new[k] = (above.sum(0) + more.sum(0)) / below
            weights = new
        apart = torch.cdist(q, weights).square()
        close(scores[t].softmax(-1), (-7.5 * apart).softmax(-1))


def test_alpha_near_one_is_shannon() -> None:
    shared = {"support_weight": 0.1, "conditional_weight": 0.1, "n_steps": 20, "lr": 0.01}
    shannon = make("tim", 6, **shared).classify(*task(), 3)
    nearly = make("alpha-tim", 6, alpha=1 + 1e-7, **shared).classify(*task(), 3)
    torch.testing.assert_close(nearly, shannon, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shot", [1, 5])
def test_tim_agrees_with_easyfsl(shared: Path, shot: int) -> None:
    """easyfsl scores by 10 times the cosine, the paper by -7.5 times the squared distance.

    With easyfsl's score, weights and steps, all answers are its own; with the paper's score, at
    a temperature of 10, nearly all: weights that leave the unit sphere make the difference.
    """
    data = load(shared, f"easyfsl_tim_{shot}shot")
    settings = {"temperature": 10, "support_weight": 1, "n_steps": 50}
    method: Method = make("tim", data["support"].shape[-1], **settings)
    e: Episode = embedded(data)
    answers = scores_of(method, e).argmax(-1)
    assert (answers == data["predictions"]).double().mean() >= 0.98
    tasks = zip(e.support, e.support_labels, e.query, strict=True)
    by_cosine = torch.stack([descend_by_cosine(*task, method.recipe) for task in tasks])
    assert torch.equal(by_cosine.argmax(-1), data["predictions"].long())


def descend_by_cosine(support: Tensor, labels: Tensor, query: Tensor, recipe: Any) -> Tensor:
    weights = torch.stack([support[labels == k].mean(0) for k in range(5)]).requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=recipe.lr)

    def logits(x: Tensor) -> Tensor:
        cosines: Tensor = F.cosine_similarity(x[:, None], weights[None], dim=-1)
        return recipe.temperature * cosines  # type: ignore[no-any-return]

    for _ in range(recipe.n_steps):
        p = logits(query).softmax(1)
        entropy, entropy_of_mean = (
            -(p * p.log()).sum(1).mean(),
            -(p.mean(0) * p.mean(0).log()).sum(),
        )
        error = F.cross_entropy(logits(support), labels)
        optimizer.zero_grad()
        torch.autograd.backward(error - entropy_of_mean + recipe.conditional_weight * entropy)
        optimizer.step()
    return logits(query).detach()
