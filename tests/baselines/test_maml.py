"""MAML as learn2learn computes it, and its options: per-step batch norm and learned rates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.bases.inner_loop import InnerLoopMethod, PerStepNorm, linear_head
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from tests.baselines.finite_differences import Smooth, assert_gradient_is_slope
from tests.oracles import close, load
from tests.synthetic import make_tasks

PLUS: dict[str, Any] = {"per_step_norm": True, "learned_rates": True}


def maml(backbone: Backbone | None = None, **settings: Any) -> InnerLoopMethod:
    """A MAML of two blocks whose norms, statistics and rates differ from step to step."""
    torch.manual_seed(0)
    cls = methods["maml"]
    recipe = cls.recipe_type.model_validate({"inner_steps": 2, "test_steps": 4, **settings})
    method = cls(backbone or Conv4((1, 16, 16), (4, 4)), recipe, 5).double()
    assert isinstance(method, InnerLoopMethod)
    for tensor in [p for p in method.parameters() if p.dim() < 3] + list(method.buffers()):
        tensor.data += 0.2 * torch.rand_like(tensor)
    return method


def plain_logits(method: Method, weights: dict[str, Tensor], images: Tensor, k: int) -> Tensor:
    """The network written out; its batch norm has the running statistics of set k."""
    for block in ("0.blocks.0", "0.blocks.1"):
        norm = method.backbone.get_submodule(block[2:] + ".1")
        assert isinstance(norm, PerStepNorm)
        maps = F.conv2d(images, weights[f"{block}.0.weight"], padding=1)
        mean, variance, scale, shift = (
            tensor[k][:, None, None]
            for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        maps = (maps - mean) / (variance + norm.eps).sqrt() * scale + shift
        images = F.max_pool2d(F.relu(maps), 2)
    return images.flatten(1) @ weights["1.weight"].T + weights["1.bias"]


def test_steps_beyond_the_trained_ones_use_the_last_norm_and_rates() -> None:
    method, (episode, _) = maml(**PLUS).eval(), make_tasks(2, 2, separable=True)
    own = dict(method.network.named_parameters())
    names = ["0.blocks.0.0.weight", "0.blocks.1.0.weight", "1.weight", "1.bias"]
    assert list(method.initial_weights()) == names
    rates = method.get_parameter("step_rates")
    for task, scores in enumerate(method(episode)):
        weights: dict[str, Tensor] = {name: own[name] for name in names}
        for norm, row in zip([0, 1, 2, 2], [0, 1, 1, 1], strict=True):
            logits = plain_logits(method, weights, episode.support[task], norm)
            loss = F.cross_entropy(logits, episode.support_labels[task])
            gradients = torch.autograd.grad(loss, [weights[name] for name in names])
            for column, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
                weights[name] = weights[name] - rates[row, column] * gradient
        close(scores, plain_logits(method, weights, episode.query[task], 2))


@pytest.mark.parametrize("option", [(), ("per_step_norm",), ("learned_rates",), tuple(PLUS)])
def test_the_meta_gradient_is_the_slope_of_the_loss(option: tuple[str, ...]) -> None:
    settings: dict[str, Any] = dict.fromkeys(option, True)
    method = maml(Smooth(), **settings).train()
    episode, labels = make_tasks(2, 1, separable=False)
    assert_gradient_is_slope(method, lambda: method.loss(episode, labels))


def test_task_by_task_the_gradient_is_that_of_all_tasks_at_once() -> None:
    method, (episode, labels) = maml(**PLUS).train(), make_tasks(3, 1, separable=False)
    weights = list(method.parameters())
    losses = [method.loss(episode, labels), Method.loss(method, episode, labels)]
    close(*losses)
    pairs = [torch.autograd.grad(2 * loss, weights, allow_unused=True) for loss in losses]
    for apart, together in zip(*pairs, strict=True):
        assert (apart is None) == (together is None)
        if apart is not None and together is not None:
            close(apart, together)


def test_each_step_gathers_the_statistics_of_its_own_weights() -> None:
    method, (episode, _) = maml(**PLUS).train(), make_tasks(1, 1, separable=False)
    norm = method.backbone.get_submodule("blocks.0.1")
    assert isinstance(norm, PerStepNorm)
    before = norm.running_mean.clone()
    weights = method.adapt(episode.support[0], episode.support_labels[0])
    assert torch.equal(norm.running_mean[2], before[2])
    method(episode)
    first = F.conv2d(episode.support[0], method.initial_weights()["0.blocks.0.0.weight"], padding=1)
    last = F.conv2d(episode.query[0], weights["0.blocks.0.0.weight"], padding=1)
    mean = first.mean((0, 2, 3))
    close(norm.running_mean[0], 0.9 * (0.9 * before[0] + 0.1 * mean) + 0.1 * mean)
    close(norm.running_mean[2], 0.9 * before[2] + 0.1 * last.mean((0, 2, 3)))


def test_per_step_norm_makes_it_inductive() -> None:
    method, (episode, _) = maml(per_step_norm=True).eval(), make_tasks(1, 1, separable=True)
    others = replace(episode, query=episode.query.clone())
    others.query[:, 1:] += 1.0
    assert (method.setting, maml().setting) == ("inductive", "transductive")
    close(method(others)[:, 0], method(episode)[:, 0])


def test_the_weights_of_an_ordinary_backbone_fill_the_norms_of_every_step() -> None:
    plain = Conv4((1, 16, 16), (4, 4)).double()
    for tensor in plain.state_dict().values():
        tensor += torch.rand_like(tensor) if tensor.is_floating_point() else 0
    own = maml(per_step_norm=True).backbone
    weights = {k: v for k, v in plain.state_dict().items() if not k.endswith("num_batches_tracked")}
    own.load_state_dict(weights)
    for name, filled in own.state_dict().items():
        expected = weights[name]
        assert torch.equal(filled, expected.expand(3, -1) if expected.dim() == 1 else expected)
    again = maml(**PLUS)
    other = maml(inner_lr=0.4, **PLUS)
    other.load_state_dict(again.state_dict())
    assert all(torch.equal(t, other.state_dict()[k]) for k, t in again.state_dict().items())


def test_first_order_rates_learn_by_the_products_of_gradients() -> None:
    """With one step, d loss / d rate = - (query gradient) . (support gradient)."""
    method = maml(inner_steps=1, first_order=True, learned_rates=True).train()
    episode, labels = make_tasks(1, 1, separable=False)
    start = method.initial_weights()
    support = F.cross_entropy(method.network(episode.support[0]), episode.support_labels[0])
    slopes = torch.autograd.grad(support, list(start.values()))
    adapted = method.adapt(episode.support[0], episode.support_labels[0])
    leaves = {name: weight.detach().requires_grad_() for name, weight in adapted.items()}
    query = F.cross_entropy(method.logits(leaves, episode.query[0], 1), labels[0])
    pulls = torch.autograd.grad(query, list(leaves.values()))
    torch.autograd.backward(method.loss(episode, labels))
    products = [-(pull * slope).sum() for pull, slope in zip(pulls, slopes, strict=True)]
    close(method.get_parameter("step_rates").grad, torch.stack(products)[None])


def test_norms_that_are_not_adapted_learn_from_the_queries_alone() -> None:
    method, (episode, labels) = maml(adapt_norms=False).train(), make_tasks(1, 1, separable=False)
    norms = [f"backbone.blocks.{k}.1.{part}" for k in (0, 1) for part in ("weight", "bias")]
    adapted = method.adapt(episode.support[0], episode.support_labels[0])
    assert sorted([f"0.{name.partition('.')[2]}" for name in norms] + list(adapted)) == sorted(
        name for name, _ in method.network.named_parameters()
    )
    torch.autograd.backward(method.loss(episode, labels))
    assert all(method.get_parameter(name).grad is not None for name in norms)
    again = maml(Smooth(), adapt_norms=False).train()
    assert_gradient_is_slope(again, lambda: again.loss(episode, labels))


def test_a_frozen_backbone_cannot_adapt() -> None:
    cls = methods["maml"]
    recipe = cls.recipe_type.model_validate({"train": {"frozen": True}})
    with pytest.raises(UsageError, match=r"train.frozen=false.*anil"):
        cls(Conv4((1, 16, 16), (4, 4)), recipe, 5)


def test_the_head_starts_without_preference() -> None:
    head = linear_head(100, 5)
    assert not head.bias.any()
    assert 0.2 < float(head.weight.detach().abs().max()) <= (6 / 105) ** 0.5


def oracle(data: dict[str, Tensor], first_order: bool) -> tuple[Method, dict[str, str]]:
    """Build learn2learn's network; also map its parameter names to ours."""
    cls = methods["maml"]
    steps = int(data["inner_steps"])
    recipe = cls.recipe_type.model_validate(
        {
            "inner_lr": float(data["inner_lr"]),
            "inner_steps": steps,
            "test_steps": steps,
            "first_order": first_order,
        }
    )
    backbone = Conv4((1, 16, 16), (6, 6, 6, 6), bias=True)
    method = cls(backbone, recipe, 5).double()
    theirs = [k.removeprefix("param.") for k in data if k.startswith("param.")]
    ours = [name for name, _ in method.named_parameters()]
    names = dict(zip(theirs, ours, strict=True))
    method.load_state_dict({names[k]: data[f"param.{k}"] for k in theirs})
    return method, names


@pytest.mark.parametrize("order", ["first", "second"])
def test_maml_has_learn2learns_meta_gradient(shared: Path, order: str) -> None:
    data = load(shared, f"learn2learn_maml_{order}_order")
    method, names = oracle(data, order == "first")
    method.train()
    episode = Episode(data["support"], data["support_labels"], data["query"], 5)
    close(method(episode), data["query_logits"])
    loss = method.loss(episode, data["query_labels"])
    close(loss, data["meta_loss"])
    torch.autograd.backward(loss)
    parameters = dict(method.named_parameters())
    for theirs, ours in names.items():
        close(parameters[ours].grad, data[f"grad.{theirs}"])
    with torch.no_grad():
        close(method.eval()(episode), data["query_logits"])
