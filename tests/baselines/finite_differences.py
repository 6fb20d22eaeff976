"""A meta-gradient checked against differences of the loss along a random direction."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone


class Smooth(Backbone):
    """Two convolutions with batch norm and tanh: at a kink, gradients of gradients would jump."""

    def __init__(self) -> None:
        super().__init__()
        self.in_shape, self.map_shape, self.pooled = (1, 16, 16), (4, 4, 4), True
        blocks = [
            nn.Sequential(
                nn.Conv2d(before, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.Tanh()
            )
            for before in (1, 4)
        ]
        self.blocks = nn.Sequential(*blocks)

    def feature_map(self, images: Tensor) -> Tensor:
        maps: Tensor = self.blocks(images)
        return maps


def assert_gradient_is_slope(module: nn.Module, loss: Callable[[], Tensor]) -> None:
    """Compare, for each parameter, its gradient with central differences; in float64."""
    module.zero_grad()
    torch.autograd.backward(loss())
    generator = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        value = parameter.detach().clone()
        ends = []
        for distance in (1e-6, -1e-6):
            parameter.data = value + distance * direction
            ends.append(loss().detach())
        parameter.data = value
        slope = (ends[0] - ends[1]) / 2e-6
        expected = (parameter.grad * direction).sum()
        torch.testing.assert_close(expected, slope, rtol=1e-5, atol=1e-7, msg=name)
