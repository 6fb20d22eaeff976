"""Residual networks of four blocks as the releases of CAN and of SNAIL's follower have them."""

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions
from fewshot_bench.backbones.resnet12 import ResNet12
from fewshot_bench.errors import UsageError


class StridedBlock(nn.Module):
    """Three convolutions 3x3, the second of stride 2, beside a strided convolution 1x1."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *(_convolution(before, after), nn.BatchNorm2d(after), nn.ReLU()),
            *(_convolution(after, after, stride=2), nn.BatchNorm2d(after), nn.ReLU()),
            *(_convolution(after, after), nn.BatchNorm2d(after)),
        )
        shortcut = nn.Conv2d(before, after, 1, stride=2, bias=False)
        self.shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(after))

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, H / 2, W / 2]``, rounded up."""
        result: Tensor = (self.residual(maps) + self.shortcut(maps)).relu()
        return result


class PlainShortcutBlock(nn.Module):
    """Three times convolution 3x3, batch norm and leaky ReLU, beside a convolution 1x1 alone.

    Then max-pooling 2, and dropout.
    """

    def __init__(self, before: int, after: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (before, after, after):
            layers += [_convolution(width, after), nn.BatchNorm2d(after), nn.LeakyReLU()]
        self.residual = nn.Sequential(*layers)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False)
        self.end = nn.Sequential(nn.MaxPool2d(2), nn.Dropout(dropout))

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, H / 2, W / 2]``."""
        result: Tensor = self.end(self.residual(maps) + self.shortcut(maps))
        return result


class SNAILResNet(ResNet12):
    """Four blocks and a convolution 1x1 to 2048 channels, whose mean is rectified."""

    def __init__(self, in_shape: tuple[int, int, int]) -> None:
        before, height, width = in_shape
        if min(height, width) < 16:
            raise UsageError(
                f"resnet12-snail halves an image 4 times: {height}x{width} pixels are too few"
            )
        blocks: list[nn.Module] = []
        for after in (64, 96, 128, 256):
            blocks.append(PlainShortcutBlock(before, after, dropout=0.1))
            before = after
        blocks.append(nn.Conv2d(before, 2048, 1, bias=False))
        super().__init__(in_shape, (2048, height >> 4, width >> 4), blocks, pooled=True)
        self.end = nn.Sequential(nn.ReLU(), nn.Dropout(0.1))
        init_convolutions(self)

    def features_of(self, maps: Tensor) -> Tensor:
        """Return the rectified mean over the map, ``[N, 2048]``."""
        features: Tensor = self.end(super().features_of(maps))
        return features


@backbones.register("resnet12-can")
def resnet12_can(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 with 64-128-256-512 channels, a first convolution and strides (Hou et al. 2019).

    As in ``models/resnet12.py`` of blue-blue272/fewshot-CAN, ReLU throughout; flattened. Maps are
    6x6 for images of 84 pixels, 2x2 for 32.
    """
    channels, *sides = in_shape
    stem = nn.Sequential(_convolution(channels, 64), nn.BatchNorm2d(64), nn.ReLU())
    blocks: list[nn.Module] = [stem]
    before = 64
    for after in (64, 128, 256, 512):
        blocks.append(StridedBlock(before, after))
        before = after
    height, width = (-(-side // 16) for side in sides)
    network = ResNet12(in_shape, (before, height, width), blocks, pooled=False)
    init_convolutions(network)
    return network


@backbones.register("resnet12-snail")
def resnet12_snail(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 with 64-96-128-256 channels, then 2048, mean of the map (Mishra et al. 2018).

    As in the paper's appendix and ``resnet_blocks.py`` of eambutu/snail-pytorch, up to the last
    layer, which the method `snail` has; that code drops nine entries of ten, the paper keeps them.
    """
    return SNAILResNet(in_shape)


def _convolution(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
