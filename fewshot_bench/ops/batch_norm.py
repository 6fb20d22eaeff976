"""Batch norm whose gradient is cheap to differentiate again, as MAML does in every inner step."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class TwiceBatchNorm2d(nn.BatchNorm2d):
    """Batch norm by the statistics of the batch: the same numbers as PyTorch's, in less time.

    PyTorch differentiates the gradient of its batch norm in about thirty passes over the maps;
    here it is ten. There are no third derivatives.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]``."""
        if self.track_running_stats or not torch.is_grad_enabled():
            return super().forward(maps)
        normalised: Tensor = _Normalise.apply(maps, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        return normalised


def use_twice_batch_norms(network: nn.Module) -> None:
    """Let every `BatchNorm2d` of a network that goes by its batches be a `TwiceBatchNorm2d`."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d and not module.track_running_stats:
            module.__class__ = TwiceBatchNorm2d


class _Normalise(torch.autograd.Function):
    """Maps ``[N, C, H, W]`` to zero mean and unit variance, times weight, plus bias ``[C]``."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        normal, mean, rate = torch.native_batch_norm(maps, weight, bias, None, None, True, 0.0, eps)
        ctx.save_for_backward(maps, weight, mean, rate)
        ctx.eps = eps
        return normal

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        return *_Gradient.apply(outer[0], *ctx.saved_tensors, ctx.eps), None  # type: ignore[no-untyped-call]


class _Gradient(torch.autograd.Function):
    """Gradients of `_Normalise` by maps, weight and bias, given that by its output.

    Mean and rate (one over the standard deviation) are taken for the functions of the maps that
    they are.
    """

    @staticmethod
    def forward(
        ctx: Any,
        outer: Tensor,
        maps: Tensor,
        weight: Tensor,
        mean: Tensor,
        rate: Tensor,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        by_maps, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            outer, maps, weight, None, None, mean, rate, True, eps, [True, True, True]
        )
        ctx.save_for_backward(outer, maps, weight, mean, rate, by_weight, by_bias)
        return by_maps, by_weight, by_bias

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiate ``<a, by_maps> + <u, by_weight> + <v, by_bias>``.

        With z the normalised maps, b the outer gradient, r the rate, w the weight and n numbers a
        channel, ``by_maps = w r (b - mean b - z mean(b z))``, ``by_weight = sum b z`` and
        ``by_bias = sum b``. Sums over a channel are all that the result needs beside a, b and the
        maps themselves, whose factors and offset are put together first.
        """
        b, maps, weight, mean, rate, sum_bz, sum_b = ctx.saved_tensors
        n = maps.numel() / len(weight)
        sum_a, sum_ab = _sum(a), _sum(a * b)
        sum_az = rate * (_sum(a * maps) - mean * sum_a)
        common = sum_ab - (sum_a * sum_b + sum_az * sum_bz) / n
        of_z = u - weight * rate * sum_az / n
        by_outer = _combine(
            [(a, weight * rate), (maps, of_z * rate)],
            v - of_z * rate * mean - weight * rate * sum_a / n,
        )
        of_a, of_b = -weight * rate * sum_bz / n, of_z
        slope = -rate / n * (of_a * sum_az + of_b * sum_bz + weight * rate * common)
        offset = -rate / n * (of_a * sum_a + of_b * sum_b) - slope * rate * mean
        by_maps = _combine([(a, rate * of_a), (b, rate * of_b), (maps, slope * rate)], offset)
        return by_outer, by_maps, rate * common, None, None, None


def _sum(maps: Tensor) -> Tensor:
    return maps.sum((0, 2, 3))


def _combine(terms: list[tuple[Tensor, Tensor]], offset: Tensor) -> Tensor:
    """Sum of maps, each times a factor of its channel, and an offset of the channel."""
    (first, factor), *rest = terms
    total = torch.addcmul(offset[:, None, None], first, factor[:, None, None])
    for maps, factor in rest:
        total.addcmul_(maps, factor[:, None, None])
    return total
