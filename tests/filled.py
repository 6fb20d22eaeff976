"""Weights and images by a formula, with which authors' networks, run elsewhere, were filled too."""

import torch
from torch import Tensor, nn


def fill(network: nn.Module) -> nn.Module:
    """Give a network's layers, in the order in which it names them, waves for weights; float64."""
    kinds = (nn.Conv2d, nn.Linear, nn.modules.batchnorm._BatchNorm)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    for k, layer in enumerate(layers):
        steps = torch.arange(layer.weight.numel(), dtype=torch.float64)
        wave = (0.7 * steps + k).sin()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.weight.data, layer.bias.data = 1 + 0.2 * wave, 0.1 * (steps + k).cos()
            layer.running_mean = 0.1 * (2 * steps).sin()
            layer.running_var = 1 + 0.5 * (3 * steps).cos()
            continue
        scale = (2 / layer.weight[0].numel()) ** 0.5
        layer.weight.data = (scale * wave).view_as(layer.weight)
        if layer.bias is not None:
            layer.bias.data = torch.zeros_like(layer.bias, dtype=torch.float64)
    return network


def waves(*shape: int) -> Tensor:
    """Images or maps of a shape, float64."""
    steps = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return ((0.013 * steps).sin() + (1.7 * steps).cos()).view(shape)
