"""The contract of a backbone, and the registry of those there are."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fewshot_bench.registry import Registry


class Backbone(nn.Module):
    """Maps images ``[N, C, H, W]`` to features.

    A subclass defines `feature_map`; the published variant is part of its registered name.

    Attributes:
        in_shape: ``(C, H, W)`` of the images.
        map_shape: ``(channels, height, width)`` of the last feature map; None for a network
            without, which then defines `forward` and `out_dim`.
        pooled: True if the features are the mean over the map, else the flattened map.
        weights_key: names the stored weights that it holds, as long as it holds them unchanged.
    """

    in_shape: tuple[int, int, int]
    map_shape: tuple[int, int, int] | None
    pooled: bool = False
    weights_key: str | None = None

    @property
    def out_dim(self) -> int:
        """Length D of the features."""
        if self.map_shape is None:
            raise TypeError(f"{type(self).__name__} does not say its out_dim")
        return self.map_shape[0] if self.pooled else math.prod(self.map_shape)

    def set_normalisation(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Say how images will be normalised; of use to networks trained on others.

        Args:
            mean: of each channel, of pixels in [0, 1].
            std: likewise.
        """

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the last feature map, ``[N, *map_shape]``."""
        raise TypeError(f"{type(self).__name__} gives no feature maps")

    def features_of(self, maps: Tensor) -> Tensor:
        """Pool or flatten maps ``[N, *map_shape]`` to features ``[N, D]``."""
        return maps.mean((2, 3)) if self.pooled else maps.flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``[N, D]``."""
        return self.features_of(self.feature_map(images))


# Makers of backbones for images of a shape ``(C, H, W)``.
backbones: Registry[Callable[[tuple[int, int, int]], Backbone]] = Registry("backbone")


def use_batch_statistics(network: nn.Module) -> None:
    """Make every batch norm normalise by its current batch, in training and evaluation alike.

    MAML and its kin do so: the running statistics of another task's weights mean nothing.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None


def init_convolutions(network: nn.Module) -> None:
    """Draw convolutions from N(0, 2 / (k² · out)), as SIB's and CloserLook's releases do."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0.0, (2.0 / fan_out) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def to_channels_last(network: nn.Module) -> nn.Module:
    """Lay convolution weights out channels-last: 1.5 to 1.9 times faster on a CPU."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
