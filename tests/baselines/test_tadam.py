"""TADAM: equal to scaled prototypes at first, then to a modulated network written out."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.tadam import TADAM
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.backbones.resnet12 import Block, ResNet12
from fewshot_bench.bases.film import embed_each, modulated
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from tests.baselines.made_up import stir_norms
from tests.oracles import Identity, close
from tests.synthetic import make_tasks


def make_tadam(backbone: Backbone | None = None, shaken: bool = True, **settings: object) -> TADAM:
    """A TADAM that has seen images of eight classes; `shaken`: no weight at its initial value."""
    torch.manual_seed(0)
    recipe = TADAM.recipe_type.model_validate(settings)
    method = TADAM(backbone or Conv4((1, 16, 16), (4, 6)), recipe, 5).double().eval()
    base = torch.zeros(16, method.embedding_dim, dtype=torch.float64)
    method.see_base(base, torch.arange(8).repeat(2))
    for tensor in [*method.parameters(), *method.buffers()] if shaken else []:
        if tensor.is_floating_point():
            tensor.data += 0.2 * torch.rand_like(tensor)
    return method


def plain_prototypes(embeddings: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([embeddings[labels == k].mean(0) for k in range(5)])


def plain_scores(queries: Tensor, centres: Tensor) -> Tensor:
    return torch.stack([-(queries - centre).square().sum(1).sqrt() for centre in centres], dim=1)


@pytest.mark.parametrize("n_shot", [1, 3])
def test_at_first_scores_are_scaled_distances_of_plain_embeddings(n_shot: int) -> None:
    episode, _ = make_tasks(2, n_shot, separable=True)
    learned, fixed = make_tadam(shaken=False), make_tadam(shaken=False, scale=None)
    for task in range(2):
        support, query = (learned.embed(x[task]) for x in (episode.support, episode.query))
        expected = plain_scores(query, plain_prototypes(support, episode.support_labels[task]))
        close(learned(episode)[task], 15 / math.sqrt(6 * 4 * 4) * expected)
        close(fixed(episode)[task], 7.5 * expected)


def plain_residual_net(net: nn.Module, task: Tensor) -> Tensor:
    def swish(x: Tensor) -> Tensor:
        return x / (1 + (-x).exp())

    w1, b1, w2, b2, w3, b3 = net.parameters()
    first = swish(w1 @ task + b1)
    second = swish(w2 @ first + b2 + first)
    return w3 @ second + b3 + second


def plain_conv4(method: TADAM, images: Tensor, task: Tensor | None) -> Tensor:
    """The network of one task written out; not modulated without a task."""
    maps = images
    for k, block in enumerate(method.backbone.get_submodule("blocks").children()):
        kernel = block.state_dict()["0.weight"]
        layer = block.get_submodule("1").state_dict()
        norm = {name: x[:, None, None] for name, x in layer.items() if x.dim()}
        maps = F.conv2d(maps, kernel, padding=1)
        maps = (maps - norm["running_mean"]) / (norm["running_var"] + 1e-5).sqrt()
        maps = maps * norm["weight"] + norm["bias"]
        if task is not None:
            gamma = method.gamma_0[k] * plain_residual_net(method.gammas[k], task)
            beta = method.beta_0[k] * plain_residual_net(method.betas[k], task)
            maps = maps * (gamma[:, None, None] + 1) + beta[:, None, None]
        maps = F.max_pool2d(maps.clamp(min=0), 2)
    return maps.flatten(1)


@pytest.mark.parametrize("n_shot", [1, 3])
def test_answers_as_a_modulated_network_of_one_task_at_a_time(n_shot: int) -> None:
    method, (episode, _) = make_tadam(), make_tasks(3, n_shot, separable=True)
    scores = method(episode)
    for t in range(3):
        labels = episode.support_labels[t]
        task = plain_prototypes(plain_conv4(method, episode.support[t], None), labels).mean(0)
        support, query = (plain_conv4(method, x[t], task) for x in (episode.support, episode.query))
        expected = plain_scores(query, plain_prototypes(support, labels))
        close(scores[t], method.scale / math.sqrt(96) * expected)


def test_every_norm_of_a_residual_network_is_modulated() -> None:
    blocks = [Block(1, 4, nn.ReLU(), nn.MaxPool2d(4)), Block(4, 6, nn.ReLU(), nn.Identity())]
    backbone = ResNet12((1, 16, 16), (6, 4, 4), blocks, pooled=True)
    method, (episode, _) = make_tadam(backbone), make_tasks(2, 1, separable=True)
    method.gamma_0.data.zero_()
    method.beta_0.data.zero_()
    before = method(episode)
    assert len(method.gamma_0) == 2 * 4  # three convolutions and a shortcut in each block
    for multipliers in (method.gamma_0, method.beta_0):
        for index in range(8):
            multipliers.data.zero_()[index] = 1.0
            assert not torch.allclose(method(episode), before), index
    assert not any(layer._forward_hooks for layer in backbone.modules())


def losses(n_steps_done: int = 0, **settings: object) -> tuple[TADAM, Tensor, Episode, Tensor]:
    method = make_tadam(None, True, **settings)
    method.n_steps_done.fill_(n_steps_done)
    episode, labels = make_tasks(2, 1, separable=True)
    classes = torch.tensor([[7, 1, 4, 0, 2], [3, 6, 5, 1, 0]])
    episode = replace(episode, classes=classes)
    return method, method.loss(episode, labels), episode, labels


@pytest.mark.parametrize(("n_steps_done", "power"), [(0, 1), (499, 10), (500, 11), (999, 20)])
def test_the_auxiliary_task_fades_out(n_steps_done: int, power: int) -> None:
    train = {"steps": 1000, "frozen": False}
    method, loss, episode, labels = losses(n_steps_done, auxiliary=0.9, train=train)
    _, without, _, _ = losses(auxiliary=0.0)
    terms = []
    assert episode.classes is not None
    for t in range(2):
        of_task = [(episode.support, episode.support_labels), (episode.query, labels)]
        for images, numbers in of_task:
            logits = plain_conv4(method, images[t], None) @ method.classifier.weight.T
            probabilities = (logits + method.classifier.bias).exp()
            for row, label in zip(probabilities, numbers[t], strict=True):
                terms.append(-(row[episode.classes[t, label]] / row.sum()).log())
    expected = without + 0.9**power * torch.stack(terms).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)  # the weight is a float32


def test_post_multipliers_are_penalised() -> None:
    method, with_penalty, _, _ = losses(film_penalty=0.3)
    _, without, _, _ = losses(film_penalty=0.0)
    squares = sum(x**2 for x in [*method.gamma_0.tolist(), *method.beta_0.tolist()])
    close(with_penalty - without, torch.tensor(0.15 * squares))


def test_steps_are_counted_in_training_alone() -> None:
    method, _, episode, labels = losses()
    assert method.n_steps_done == 0
    method.train().loss(episode, labels)
    method.train().loss(episode, labels)
    method.eval()(episode)
    assert method.n_steps_done == 2


def test_a_backbone_without_batch_norm_is_refused() -> None:
    with pytest.raises(UsageError, match="Identity has none"):
        make_tadam(Identity(5))


def test_in_evaluation_a_task_has_weights_of_its_own_that_embed_as_the_modulated_network() -> None:
    """Norms right behind a convolution become part of it; the one behind the pooling cannot."""
    pooled = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.ReLU())
    rest = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.AdaptiveMaxPool2d(4))
    backbone = ResNet12((1, 16, 16), (6, 4, 4), [pooled, rest], pooled=True).double().eval()
    stir_norms(backbone)
    torch.manual_seed(0)
    numbers = [tuple(torch.randn(2, 2, width, dtype=torch.float64)) for width in (4, 6)]
    images = torch.randn(2 * 3, 1, 16, 16, dtype=torch.float64)
    with modulated(backbone, numbers):
        expected = backbone(images)
    close(embed_each(backbone, numbers, images), expected)
