"""Conv-4, the four-block network of Vinyals et al. 2016 and Snell et al. 2017."""

from collections.abc import Sequence

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions
from fewshot_bench.errors import UsageError


class Conv4(Backbone):
    """Four blocks of convolution 3x3 (padding 1), batch norm, ReLU, max-pooling 2.

    The output is the flattened map: 64 features at 28 pixels, 256 at 32, 1600 at 84 for 64
    channels. Convolutions have no bias, as in SIB's release (``networks.py``); it would be
    cancelled by the batch norm anyway.

    Args:
        in_shape: ``(C, H, W)`` of the images, at least 16 pixels each way.
        widths: channels of each block.
        bias: give the convolutions a bias, as Snell et al. and MAML's release do.
    """

    def __init__(
        self, in_shape: tuple[int, int, int], widths: Sequence[int], bias: bool = False
    ) -> None:
        super().__init__()
        channels, height, width = in_shape
        if min(height, width) < 2 ** len(widths):
            raise UsageError(
                f"conv4 halves an image {len(widths)} times: {height}x{width} pixels are too few"
            )
        blocks = []
        for before, after in zip([channels, *widths[:-1]], widths, strict=True):
            blocks.append(_block(before, after, bias))
        self.blocks = nn.Sequential(*blocks)
        self.in_shape = in_shape
        self.map_shape = (widths[-1], height >> len(widths), width >> len(widths))
        init_convolutions(self)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the map after the last pooling, ``[N, *map_shape]``."""
        features: Tensor = self.blocks(images)
        return features


def _block(before: int, after: int, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=bias),
        nn.BatchNorm2d(after),
        # As ReLU first, in values and gradients, but on a quarter of the map.
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


@backbones.register("conv4-64", "conv4", "c64f")
def conv4_64(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 64 channels in every block, flattened (Snell et al. 2017; SIB's release)."""
    return Conv4(in_shape, (64, 64, 64, 64))


@backbones.register("conv4-128", "c128f")
def conv4_128(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 64-64-128-128 channels, flattened (Gidaris & Komodakis 2018)."""
    return Conv4(in_shape, (64, 64, 128, 128))
