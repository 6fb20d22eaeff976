"""Baseline and Baseline++: the same as PyTorch's own SGD on PyTorch's own layers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from tests.baselines.made_up import embedded_tasks, method_of
from tests.oracles import close

Classifier = tuple[nn.Module, Callable[[Tensor], Tensor]]


def linear(weights: Tensor, bias: Tensor) -> Classifier:
    layer = nn.Linear(weights.shape[1], weights.shape[0]).double()
    layer.weight.data, layer.bias.data = weights.clone(), bias[:, 0].clone()
    return layer, layer


def cosine(weights: Tensor, bias: Tensor) -> Classifier:
    layer = nn.Linear(weights.shape[1], weights.shape[0], bias=False).double()
    layer.weight.data = weights.clone()
    layer = weight_norm(layer, dim=0)
    return layer, lambda x: 2 * layer(F.normalize(x, dim=1))


def fitted(classifier: Classifier, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
    """Logits of one task after the release's 100 epochs of 2 or 3 steps."""
    layer, score = classifier
    optimizer = torch.optim.SGD(
        layer.parameters(), lr=0.05, momentum=0.9, dampening=0.9, weight_decay=0.01
    )
    for _ in range(100 * -(-len(support) // 4)):
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(score(support), labels))
        optimizer.step()
    return score(query).detach()


@pytest.mark.parametrize(("name", "make"), [("baseline", linear), ("baseline-plus", cosine)])
@pytest.mark.parametrize("n_shot", [1, 2])
@pytest.mark.parametrize("random", [True, False])
def test_fits_as_torch_does(
    name: str, make: Callable[[Tensor, Tensor], Classifier], n_shot: int, random: bool
) -> None:
    """An orthogonal start is one in dimensions that the embeddings do not have."""
    settings: dict[str, Any] = {"lr": 0.05, "weight_decay": 0.01, "random_start": random}
    method: Any = method_of(name, 12, **settings)
    episode = embedded_tasks(n_shot, n_tasks=2)
    support, query = episode.support, episode.query
    start, bias, _ = method.start(5, support)
    if not random:
        extra = torch.eye(5, dtype=torch.float64) * 3**-0.5 * (name == "baseline-plus")
        start = torch.cat([start, extra], 1)
        support, query = F.pad(support, (0, 5)), F.pad(query, (0, 5))
    tasks = zip(support, episode.support_labels, query, strict=True)
    expected = torch.stack([fitted(make(start, bias), *task) for task in tasks])
    close(method(episode), expected)


def test_the_start_is_that_of_a_linear_layer() -> None:
    method: Any = method_of("baseline-plus", 4000)
    weights, bias, lengths = method.start(5, torch.zeros(1, 1, 4000, dtype=torch.float64))
    theirs = nn.Linear(4000, 5).weight.detach()
    assert float(weights.std()) == pytest.approx(float(theirs.std()), rel=0.02)
    assert float(weights.abs().max()) == pytest.approx(float(theirs.abs().max()), rel=0.01)
    assert 0 < float(bias.abs().max()) <= 4000**-0.5
    assert lengths.flatten().tolist() == pytest.approx([3**-0.5] * 5, rel=0.05)


@pytest.mark.parametrize("name", ["baseline", "baseline-plus"])
def test_an_orthogonal_start_has_no_favourite_class(name: str) -> None:
    episode, renaming = embedded_tasks(2), torch.tensor([2, 0, 4, 1, 3])
    method = method_of(name, 12, random_start=False)
    labels = renaming[episode.support_labels]
    renamed = method.classify(episode.support, labels, episode.query, 5)
    close(renamed[..., renaming], method(episode))
