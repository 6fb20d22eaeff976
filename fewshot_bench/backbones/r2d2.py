"""The network of R2-D2: four blocks whose last two scales both are features."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.errors import UsageError


class TwoScales(Backbone):
    """Blocks of convolution 3x3, batch norm, max pooling 2, leaky ReLU; features of the last two.

    As ``RRFeatures`` of bertinetto/r2d2 (``fewshots/models/load_model.py``): the fourth block, and
    the third before it becomes a feature, are pooled with stride 1; both are flattened. There is
    dropout after the third and the fourth block. Convolutions have no bias, which the batch norm
    would cancel.

    Args:
        in_shape: ``(C, H, W)`` of the images.
        widths: channels of the four blocks.
        dropout: share of the entries that is set to zero in training.
    """

    map_shape = None

    def __init__(
        self, in_shape: tuple[int, int, int], widths: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        channels, height, width = in_shape
        if min(height, width) < 16:
            raise UsageError(
                f"the network of R2-D2 halves an image 3 times, and pools what is left: "
                f"{height}x{width} pixels are too few"
            )
        strides, dropouts = (2, 2, 2, 1), (0.0, 0.0, dropout, dropout)
        blocks = []
        for before, after, stride, p in zip(
            [channels, *widths[:-1]], widths, strides, dropouts, strict=True
        ):
            blocks.append(_block(before, after, stride, p))
        self.trunk, self.last = nn.Sequential(*blocks[:-1]), blocks[-1]
        self.pool = nn.MaxPool2d(2, stride=1)
        self.in_shape = in_shape
        self.dim = (widths[2] + widths[3]) * ((height >> 3) - 1) * ((width >> 3) - 1)

    @property
    def out_dim(self) -> int:
        """Length D of the features, those of the third block first."""
        return self.dim

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``[N, D]``."""
        third = self.trunk(images)
        return torch.cat([self.pool(third).flatten(1), self.last(third).flatten(1)], dim=1)


def _block(before: int, after: int, stride: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.MaxPool2d(2, stride=stride),
        nn.LeakyReLU(0.1),
        nn.Dropout(dropout),
    )


def _dropout(in_shape: tuple[int, int, int]) -> float:
    """That of the release for images of this kind [scripts/train/experiments.sh]."""
    channels, height, _ = in_shape
    if channels == 1:
        return 0.0  # Omniglot
    return 0.4 if height < 64 else 0.1  # CIFAR-FS; miniImageNet


@backbones.register("conv4-r2d2")
def conv4_r2d2(in_shape: tuple[int, int, int]) -> Backbone:
    """R2-D2's 96-192-384-512 channels on two scales, flattened (Bertinetto et al. 2019).

    8,064 features at 32 pixels, 72,576 at 84. The release's dropout is 0.1 on miniImageNet, 0.4 on
    CIFAR-FS, 0 on Omniglot; our rule for other images: 0 for one channel, 0.4 below 64 pixels.
    """
    return TwoScales(in_shape, (96, 192, 384, 512), _dropout(in_shape))


@backbones.register("conv4-r2d2-64")
def conv4_r2d2_64(in_shape: tuple[int, int, int]) -> Backbone:
    """R2-D2's small network, 64 channels in every block, else `conv4-r2d2` (``RRNet_small``)."""
    return TwoScales(in_shape, (64, 64, 64, 64), _dropout(in_shape))
