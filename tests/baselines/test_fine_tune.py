"""Fine-tuning: against easyfsl, and against one task at a time with a layer of PyTorch's."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import cosine, one_hot, prototypes
from fewshot_bench.presets import build_recipe
from tests.baselines.made_up import embedded_tasks, method_of
from tests.oracles import close, embedded, load


@pytest.mark.parametrize("n_shot", [1, 5])
def test_answers_as_easyfsl(shared: Path, n_shot: int) -> None:
    """easyfsl tunes raw class means, by cosines; the paper starts at unit length, with a bias."""
    data = load(shared, f"easyfsl_finetune_head_{n_shot}shot")
    method = method_of("fine-tune", 32, transform="L2N", n_steps=200, lr=1e-4, scale=1.0)
    answers = method(embedded(data)).argmax(-1)
    assert (answers == data["predictions"]).double().mean() >= 0.97
    close(tuned_by_cosine(method, embedded(data)), data["scores"])


def tuned_by_cosine(method: Any, e: Episode) -> Tensor:
    """Scores of class means that descend by the method's own losses, as easyfsl scores."""
    weights = prototypes(e.support, e.support_labels, e.n_way).requires_grad_()
    targets = one_hot(e.support_labels, e.n_way, e.support).transpose(1, 2)
    optimizer = torch.optim.Adam([weights], method.recipe.lr)
    for _ in range(method.recipe.n_steps):
        for images, slopes in method.losses(e.support, targets, e.query):
            logits = cosine(weights, images)
            optimizer.zero_grad()
            logits.backward(slopes(logits.detach()))  # type: ignore[no-untyped-call]
            optimizer.step()
    return cosine(e.query, weights.detach())


def fitted(support: Tensor, labels: Tensor, query: Tensor, transductive: bool) -> Tensor:
    """Logits of one task after 25 epochs with scale 3."""
    layer = nn.Linear(support.shape[1], 5).double()
    means = torch.stack([support[labels == c].mean(0) for c in range(5)])
    layer.weight.data, layer.bias.data = F.normalize(means, dim=1), torch.zeros(5).double()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    support, query = F.normalize(support, dim=1), F.normalize(query, dim=1)
    for _ in range(25):
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(3 * layer(support), labels))
        optimizer.step()
        if transductive:
            optimizer.zero_grad()
            p = (3 * layer(query)).softmax(1)
            torch.autograd.backward(-(p * p.log()).sum(1).mean())
            optimizer.step()
    logits: Tensor = 3 * layer(query)
    return logits.detach()


@pytest.mark.parametrize("name", ["fine-tune", "fine-tune-transductive"])
@pytest.mark.parametrize("n_shot", [1, 5])
def test_fits_as_torch_does_one_task_at_a_time(name: str, n_shot: int) -> None:
    episode = embedded_tasks(n_shot)
    settings: dict[str, Any] = {"transform": "L2N", "lr": 0.01, "scale": 3.0}
    tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
    transductive = name == "fine-tune-transductive"
    expected = torch.stack([fitted(*task, transductive) for task in tasks])
    with torch.no_grad():
        close(method_of(name, 12, **settings)(episode), expected)


def test_the_entropy_of_the_queries_falls() -> None:
    episode = embedded_tasks(1)

    def entropy(name: str) -> float:
        probabilities = method_of(name, 12)(episode).softmax(-1)
        return -float((probabilities * probabilities.log()).sum(-1).mean())

    assert entropy("fine-tune-transductive") < entropy("fine-tune")


def test_the_paper_preset_is_the_papers() -> None:
    recipe: Any = build_recipe(methods["fine-tune-transductive"].recipe_type, preset="paper")
    assert (recipe.n_steps, recipe.lr, recipe.scale) == (25, 5e-5, 1.0)
