"""WRN-28-10, the wide residual network of Zagoruyko & Komodakis 2016, as SIB uses it."""

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions


class PreActivationBlock(nn.Module):
    """Two convolutions 3x3, each after its batch norm and ReLU, beside the input.

    Where the number of channels changes, the shortcut is a convolution 1x1 of the input after its
    batch norm and ReLU, else the input as it came.

    Args:
        before, after: channels of the input and of the output.
        stride: of the first convolution.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.activation = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU())
        self.residual = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
        )
        self.shortcut = None
        if before != after:
            self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, H / stride, W / stride]``."""
        active = self.activation(maps)
        beside = maps if self.shortcut is None else self.shortcut(active)
        result: Tensor = beside + self.residual(active)
        return result


class WideResNet(Backbone):
    """A convolution 3x3, three groups of pre-activation blocks, batch norm and ReLU.

    Args:
        in_shape: ``(C, H, W)`` of the images.
        n_blocks: blocks of each group, (depth - 4) / 6.
        width: factor of the groups' 16, 32 and 64 channels.
        first_stride: of the first group; the others have 2.
    """

    pooled = True

    def __init__(
        self, in_shape: tuple[int, int, int], n_blocks: int, width: int, first_stride: int
    ) -> None:
        super().__init__()
        channels, height, width_px = in_shape
        blocks, before = [], 16
        for after, stride in ((16 * width, first_stride), (32 * width, 2), (64 * width, 2)):
            for index in range(n_blocks):
                blocks.append(PreActivationBlock(before, after, 1 if index else stride))
                before = after
        self.stem = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*blocks)
        self.end = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU())
        scale = 4 * first_stride
        self.in_shape = in_shape
        self.map_shape = (before, -(-height // scale), -(-width_px // scale))
        init_convolutions(self)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the activated output of the last group, ``[N, *map_shape]``."""
        maps: Tensor = self.end(self.blocks(self.stem(images)))
        return maps


@backbones.register("wrn-28-10", "wrn28-10")
def wrn_28_10(in_shape: tuple[int, int, int]) -> Backbone:
    """WRN-28-10 without dropout, mean of the map (SIB's release).

    The first group halves the map too (``networks.py``: strides 2, 2, 2) unless the images are
    small (``isCifar``: 1, 2, 2). The release asks for 32 pixels; we draw the line at 64, below
    which the last map would have fewer than 8x8 values.
    """
    small = min(in_shape[1:]) < 64
    return WideResNet(in_shape, n_blocks=4, width=10, first_stride=1 if small else 2)
