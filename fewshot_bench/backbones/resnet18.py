"""ResNet-18 without the large stem of ImageNet networks, as few-shot papers use it."""

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions


class BasicBlock(nn.Module):
    """Two convolutions 3x3 beside the input (He et al. 2016).

    Args:
        before, after: channels of the input and of the output.
        stride: of the first convolution.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, H / stride, W / stride]``."""
        result: Tensor = (self.residual(maps) + self.shortcut(maps)).relu()
        return result


class ResNet18(Backbone):
    """A convolution 3x3 and four groups of two basic blocks; groups 2, 3 and 4 halve the map.

    This is the network of SimpleShot and TIM (``src/models/ResNet.py`` in either release). It has
    no 7x7 convolution of stride 2 and no max pooling, which would leave a single value of 32
    pixels; CloserLook's ResNet-18 has them, for images of 224 pixels.

    Args:
        in_shape: ``(C, H, W)`` of the images.
    """

    pooled = True

    def __init__(self, in_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = in_shape
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        groups, before = [], 64
        for after, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            groups += [BasicBlock(before, after, stride), BasicBlock(after, after, 1)]
            before = after
        self.blocks = nn.Sequential(*groups)
        self.in_shape = in_shape
        self.map_shape = (512, -(-height // 8), -(-width // 8))
        init_convolutions(self)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the output of the last block, ``[N, 512, H / 8, W / 8]``."""
        maps: Tensor = self.blocks(self.stem(images))
        return maps


@backbones.register("resnet18")
def resnet18(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-18 with a 3x3 stem and no first pooling, mean of the map (SimpleShot; TIM)."""
    return ResNet18(in_shape)
