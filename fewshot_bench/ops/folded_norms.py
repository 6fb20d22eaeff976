"""Batch norms of evaluation as part of the layer before them, which spares a pass over the maps."""

import copy
from itertools import chain, pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def fold_norm(layer: nn.Module, norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Weight and bias that do what a layer and the batch norm behind it do in evaluation.

    Args:
        layer: linear or convolution, with C outputs.
        norm: of C channels, with running statistics.
    """
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None or not isinstance(layer, nn.Linear | nn.Conv2d):
        raise TypeError("what is folded is a norm with running statistics, behind such a layer")
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    weight = layer.weight * factor.view(-1, *[1] * (layer.weight.dim() - 1))
    before = -mean if layer.bias is None else layer.bias - mean
    return weight, norm.bias + factor * before


def without_norms(network: nn.Module) -> tuple[nn.Module, dict[str, str]]:
    """Leave out the batch norms whose work the convolution before them can do.

    Args:
        network: stays as it is.

    Returns:
        A copy that shares the weights, and the convolution, which has a bias then, by the norm
        that is left out: names of both. Other norms are still there.
    """
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    copied = copy.deepcopy(network, shared)
    before: dict[str, str] = {}
    for path, module in copied.named_modules():
        if isinstance(module, nn.Sequential):
            layers = [(f"{path}.{k}".lstrip("."), layer) for k, layer in enumerate(module)]
            for (name, layer), (after, norm) in pairwise(layers):
                if isinstance(layer, nn.Conv2d) and type(norm) is nn.BatchNorm2d:
                    before[after] = name
    for norm_name, name in before.items():
        parent, _, own_name = norm_name.rpartition(".")
        setattr(copied.get_submodule(parent), own_name, nn.Identity())
        layer = copied.get_submodule(name)
        if layer.bias is None:
            layer.bias = nn.Parameter(layer.weight.new_zeros(len(layer.weight)))
    return copied, before
