"""A backbone whose norms are modulated for each task (FiLM): in training, and in evaluation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.ops.folded_norms import fold_norm, without_norms

Hook = Callable[[nn.Module, object, Tensor], Tensor]
Numbers = Sequence[tuple[Tensor, Tensor]]  # gamma and beta of each norm, ``[T, C]``


def norms_of(backbone: Backbone) -> dict[str, nn.BatchNorm2d]:
    """Layers that are modulated, by name, in a fixed order."""
    layers = backbone.named_modules()
    return {name: layer for name, layer in layers if isinstance(layer, nn.BatchNorm2d)}


@contextmanager
def modulated(backbone: Backbone, numbers: Numbers) -> Iterator[None]:
    """Modulate a backbone, that embeds the images of T tasks, while in this context."""
    norms = norms_of(backbone).values()
    hooks = [
        norm.register_forward_hook(modulation(*of_norm))
        for norm, of_norm in zip(norms, numbers, strict=True)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def modulation(gamma: Tensor, beta: Tensor) -> Hook:
    """Make a forward hook that turns a layer's maps h into (1 + gamma) h + beta.

    Maps are ``[T * N, C, H, W]``, of N images of each of T tasks, one task after the other; gamma
    and beta are ``[T, C]``.
    """

    def modulate(_layer: nn.Module, _inputs: object, maps: Tensor) -> Tensor:
        n_images = len(maps) // len(gamma)
        factor, shift = (x.repeat_interleave(n_images, 0)[..., None, None] for x in (gamma, beta))
        return torch.addcmul(maps + shift, factor, maps)

    return modulate


def embed_each(backbone: Backbone, numbers: Numbers, images: Tensor) -> Tensor:
    """Embed images of T tasks ``[T * N, C, H, W]`` as if `modulated`, in evaluation.

    A task after the other, by weights of its own; ``[T * N, D]``.
    """
    network, weights = weights_of_each(backbone, numbers)
    by_task = zip(weights, images.chunk(len(weights)), strict=True)
    return torch.cat([functional_call(network, *of_task) for of_task in by_task])


def weights_of_each(
    backbone: Backbone, numbers: Numbers
) -> tuple[nn.Module, list[dict[str, Tensor]]]:
    """Return a network in evaluation and, by name, those weights of it that T tasks modulate.

    Where possible, convolutions do what norms and modulation do, without a pass over the maps.
    """
    network, convolutions = without_norms(backbone)
    weights: list[dict[str, Tensor]] = [{} for _ in numbers[0][0]]
    for (name, norm), of_norm in zip(norms_of(backbone).items(), numbers, strict=True):
        layer = convolutions.get(name, name)
        folded = fold_norm(backbone.get_submodule(layer), norm) if name in convolutions else None
        weight, bias = folded or (norm.weight, norm.bias)
        for of_task, gamma, beta in zip(weights, *of_norm, strict=True):
            factor = 1 + gamma.view(-1, *[1] * (weight.dim() - 1))
            of_task[f"{layer}.weight"] = factor * weight
            of_task[f"{layer}.bias"] = (1 + gamma) * bias + beta
    return network, weights
