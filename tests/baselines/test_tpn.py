"""TPN against its graph built edge by edge, and labels that walk along it step by step."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from tests.oracles import close, embedded, load_authors
from tests.synthetic import make_tasks


class Maps(Backbone):
    """Hands maps through."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.in_shape = self.map_shape = shape

    def feature_map(self, images: Tensor) -> Tensor:
        return images


def tpn(shape: tuple[int, int, int] = (3, 2, 2), **settings: object) -> Method:
    torch.manual_seed(0)
    cls = methods["tpn"]
    return cls(Maps(shape), cls.recipe_type.model_validate(settings), 4).double().eval()


def draw(shape: tuple[int, int, int] = (3, 2, 2), n_way: int = 4, n_query: int = 9) -> Episode:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n_way).repeat(2).expand(3, -1)
    images = torch.randn(3, 2 * n_way + n_query, *shape, generator=generator, dtype=torch.float64)
    return Episode(images[:, : 2 * n_way], labels, images[:, 2 * n_way :], n_way)


def walk(points: np.ndarray, labels: np.ndarray, n_way: int, k: int, alpha: float) -> np.ndarray:
    """What arrives at each image: the sum of all walks' labels, alpha for each step."""
    n = len(points)
    weights = np.array([[np.exp(-np.mean((a - b) ** 2) / 2) for b in points] for a in points])
    nearest = [set(np.argsort(-row)[:k]) for row in weights]
    for i in range(n):
        for j in range(n):
            if j not in nearest[i] and i not in nearest[j]:
                weights[i, j] = 0
    degrees = weights.sum(1)
    spread = weights / np.sqrt(np.outer(degrees, degrees))
    start = np.zeros((n, n_way))
    start[np.arange(len(labels)), labels] = 1
    total, step = np.zeros_like(start), start
    for _ in range(400):
        total, step = total + step, alpha * spread @ step
    return total


@pytest.mark.parametrize("k", [1, 4, 100])
def test_closed_form_is_the_limit_of_labels_walking_along_the_graph(k: int) -> None:
    """Also with more neighbours than images, and none but oneself."""
    method, episode = tpn(alpha=0.9, n_neighbours=k, bandwidth=0.5), draw()
    with torch.no_grad():
        scores = method(episode)
        maps = torch.cat([episode.support, episode.query], dim=1)
        for task in range(3):
            unit = 0.5 * spread_of(maps[task].flatten(1))
            bandwidths = unit * method.bandwidth_net(maps[task])  # type: ignore[operator]
            points = (maps[task].flatten(1) / bandwidths).numpy()
            expected = walk(points, episode.support_labels[task].numpy(), 4, k, 0.9)
            close(scores[task], torch.from_numpy(expected[8:]))


def test_loss_is_that_of_support_and_queries() -> None:
    method, episode = tpn(), draw()
    wanted = torch.arange(9).remainder(4).expand(3, -1)
    flat = episode.embed(method.embed)
    spread = method.propagate(flat.support, flat.support_labels, flat.query, 4)  # type: ignore[operator]
    assert spread.shape == (3, 17, 4)
    expected = F.cross_entropy(
        spread.transpose(1, 2), torch.cat([episode.support_labels, wanted], dim=1)
    )
    close(method.loss(episode, wanted), expected)


def test_gradients_reach_maps_and_bandwidths() -> None:
    """Differences of the loss; no edge is on the verge of being cut."""
    method, episode = tpn((3, 1, 1), n_neighbours=100), draw((3, 1, 1), n_query=4)
    wanted = torch.arange(4).expand(3, -1)

    def loss(support: Tensor, query: Tensor) -> Tensor:
        return method.loss(Episode(support, episode.support_labels, query, 4), wanted)

    inputs = [episode.support.requires_grad_(), episode.query.requires_grad_()]
    torch.autograd.gradcheck(loss, inputs)
    torch.autograd.backward(loss(*inputs))
    for name, weight in method.named_parameters():
        assert weight.grad is not None, name


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
def test_takes_maps_of_any_size(side: int) -> None:
    method, episode = tpn((3, side, side)), draw((3, side, side), n_way=2)
    scores = method.train()(episode)
    assert scores.shape == (3, 9, 2)
    assert torch.isfinite(scores).all()


def test_bandwidths_start_near_one_and_differ() -> None:
    net = tpn().train().bandwidth_net
    bandwidths = net(torch.randn(50, 3, 2, 2).double())  # type: ignore[operator]
    assert ((bandwidths - 1).abs() < 0.7).all()
    assert bandwidths.std() > 1e-3


def spread_of(images: Tensor) -> Tensor:
    """Root mean square distance, in each dimension, over all pairs of different images."""
    pairs = [((a - b) ** 2).mean() for i, a in enumerate(images) for b in images[:i]]
    return torch.stack(pairs).mean().sqrt()


class Given(nn.Module):
    """Bandwidths that are known."""

    def __init__(self, bandwidths: Tensor) -> None:
        super().__init__()
        self.bandwidths = bandwidths.reshape(-1, 1)

    def forward(self, _maps: Tensor) -> Tensor:
        return self.bandwidths


@pytest.mark.parametrize("n_shot", [1, 5])
def test_propagates_as_the_authors_do(shared: Path, n_shot: int) -> None:
    """Scores and losses of LabelPropagation in TPN-pytorch, whose bandwidths are given here."""
    data = load_authors(shared, f"tpn_{n_shot}shot")
    episode = embedded(data)
    method = tpn((episode.support.shape[-1], 1, 1), bandwidth=None)
    method.bandwidth_net = Given(data["param.sigma"])
    close(method(episode), data["scores"])
    labels = data["query_labels"].long().expand(len(episode.query), -1)
    close(method.loss(episode, labels), data["losses"].mean())


@pytest.mark.parametrize("bandwidth", [0.25, 0.5])
def test_images_are_joined_however_large_their_embeddings_are(bandwidth: float) -> None:
    """As a batch's statistics make them by random weights; a diagonal graph teaches nothing."""
    method = tpn((8, 2, 2), bandwidth=bandwidth).train()
    for size in (1e-3, 1.0, 1e3):
        images = size * torch.randn(2, 80, 32, dtype=torch.float64)
        graph = method.graph(images)  # type: ignore[operator]
        off_diagonal = graph.sum(2) - graph.diagonal(dim1=1, dim2=2)
        assert off_diagonal.mean() > 0.05


def noisy_tasks(seed: int, n_tasks: int) -> tuple[Episode, Tensor]:
    episode, labels = make_tasks(n_tasks, 1, separable=True, n_query=3, seed=seed)
    support, query = (
        (images + 0.8 * torch.randn_like(images)).float()
        for images in (episode.support, episode.query)
    )
    return replace(episode, support=support, query=query), labels


def test_learns_from_random_weights() -> None:
    """Preset paper, without pretraining: better than guessing, log 5, and than at first."""
    torch.manual_seed(0)
    recipe = build_recipe(methods["tpn"].recipe_type, preset="paper")
    assert recipe.pretrain is None
    method = methods["tpn"](Conv4((1, 16, 16), (8, 8, 8)), recipe, 5).train()
    optimizer, others = torch.optim.Adam(method.parameters(), lr=3e-3), noisy_tasks(1000, 10)
    before = float(method.loss(*others).detach())
    for step in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(method.loss(*noisy_tasks(step, 1)))
        optimizer.step()
    assert float(method.loss(*others).detach()) < min(before, math.log(5)) - 0.1


def test_refuses_a_backbone_without_maps() -> None:
    backbone = Maps((3, 2, 2))
    backbone.map_shape = None
    with pytest.raises(UsageError, match="feature maps"):
        methods["tpn"](backbone, methods["tpn"].recipe_type(), 5)
