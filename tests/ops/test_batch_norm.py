"""Batch norm for second derivatives: PyTorch's own numbers, and finite differences."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import to_channels_last
from fewshot_bench.ops.batch_norm import TwiceBatchNorm2d, use_twice_batch_norms


def layer() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(3, track_running_stats=False).double()
    generator = torch.Generator().manual_seed(1)
    for weight in norm.parameters():
        weight.data = torch.randn(3, generator=generator, dtype=torch.float64)
    return norm


def maps() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 2 + torch.randn(4, 3, 2, 5, generator=generator, dtype=torch.float64)


def twice(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    copied = nn.Sequential(copy.deepcopy(norm))
    use_twice_batch_norms(copied)
    assert isinstance(copied[0], TwiceBatchNorm2d)
    return copied[0]


def test_first_and_second_derivatives_are_those_of_finite_differences() -> None:
    norm = twice(layer())
    inputs = (maps().requires_grad_(), norm.weight, norm.bias)

    def normalise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        normal: Tensor = torch.func.functional_call(norm, {"weight": weight, "bias": bias}, (x,))
        return normal

    assert torch.autograd.gradcheck(normalise, inputs)
    assert torch.autograd.gradgradcheck(normalise, inputs)


def test_an_inner_step_has_the_meta_gradient_of_pytorchs_norm() -> None:
    def meta_gradient(norm: nn.BatchNorm2d) -> list[Tensor]:
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(2, 3, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(27, 4)
        ).double()
        to_channels_last(network)
        weights, images = list(network.parameters()), torch.randn(5, 2, 5, 5, dtype=torch.float64)
        loss = F.cross_entropy(network(images), torch.tensor([0, 1, 2, 3, 0]))
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        outer = torch.stack([(g * torch.randn_like(g)).sum() for g in gradients]).sum()
        return list(torch.autograd.grad(outer, weights, allow_unused=True, materialize_grads=True))

    pairs = zip(meta_gradient(twice(layer())), meta_gradient(layer()), strict=True)
    for ours, pytorchs in pairs:
        torch.testing.assert_close(ours, pytorchs, rtol=1e-9, atol=1e-12)


def test_norms_with_running_statistics_stay_pytorchs() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3))
    use_twice_batch_norms(network)
    assert type(network[0]) is nn.BatchNorm2d
