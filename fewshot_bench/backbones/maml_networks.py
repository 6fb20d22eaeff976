"""The four-block networks of MAML's and Reptile's releases."""

import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.errors import UsageError


class SmallConv4(Backbone):
    """Four blocks of convolution 3x3, batch norm (eps 0.001) and ReLU that halve the image.

    Initial convolutions are Glorot uniform, as in both releases (TensorFlow). They have no bias,
    which the batch norm would cancel.

    Args:
        in_shape: ``(C, H, W)`` of the images.
        width: channels of every block.
        strided: convolutions of stride 2 halve; else max pooling does.
        keep_odd: pooling keeps a last odd row or column, as TensorFlow's ``SAME`` does.
        pooled: features are the mean over the map, else the flattened map.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        width: int,
        strided: bool = False,
        keep_odd: bool = False,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        if min(in_shape[1:]) < 16:
            raise UsageError(
                f"networks of four blocks halve an image 4 times: {in_shape[1]}x{in_shape[2]} "
                "pixels are too few"
            )
        ceil = strided or keep_odd
        self.in_shape, self.pooled = in_shape, pooled
        self.map_shape = (width, _halved(in_shape[1], ceil), _halved(in_shape[2], ceil))
        blocks: list[nn.Module] = []
        for before in (in_shape[0], width, width, width):
            halving = nn.Identity() if strided else nn.MaxPool2d(2, ceil_mode=keep_odd)
            norm = nn.BatchNorm2d(width, eps=1e-3)
            blocks.append(
                nn.Sequential(_convolution(before, width, strided), norm, halving, nn.ReLU())
            )
        self.blocks = nn.Sequential(*blocks)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the map after the last block, ``[N, *map_shape]``."""
        maps: Tensor = self.blocks(images)
        return maps


class StridedConvolution(nn.Conv2d):
    """Convolution 3x3 of stride 2, padded as TensorFlow's ``SAME``: an even side at its end."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, out, ceil(H / 2), ceil(W / 2)]``."""
        odd_height, odd_width = maps.shape[-2] % 2, maps.shape[-1] % 2
        return super().forward(F.pad(maps, (odd_width, 1, odd_height, 1)))


def _convolution(before: int, after: int, strided: bool) -> nn.Conv2d:
    layer = (
        StridedConvolution(before, after, 3, stride=2, bias=False)
        if strided
        else nn.Conv2d(before, after, 3, padding=1, bias=False)
    )
    nn.init.xavier_uniform_(layer.weight)
    return layer


def _halved(side: int, ceil: bool) -> int:
    return -(-side // 16) if ceil else side >> 4


@backbones.register("conv4-32")
def conv4_32(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 32 channels, flattened: MAML's for miniImageNet (Finn et al. 2017, ``maml.py``).

    800 features at 84 pixels, 128 at 32.
    """
    return SmallConv4(in_shape, 32)


@backbones.register("conv4-64-strided")
def conv4_64_strided(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 of stride 2, 64 channels, mean of the map: MAML's for Omniglot (``maml.py``)."""
    return SmallConv4(in_shape, 64, strided=True, pooled=True)


@backbones.register("conv4-32-reptile")
def conv4_32_reptile(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 32 channels, pooled to the last row: Reptile's for miniImageNet (``models.py``).

    1,152 features at 84 pixels.
    """
    return SmallConv4(in_shape, 32, keep_odd=True)


@backbones.register("conv4-64-reptile")
def conv4_64_reptile(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 of stride 2, 64 channels, flattened: Reptile's for Omniglot (``models.py``)."""
    return SmallConv4(in_shape, 64, strided=True)
