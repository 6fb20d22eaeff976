"""Networks of FEAT's and Meta-Baseline's releases, which pool the last map to one vector."""

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.backbones.resnet12 import Block, ResNet12
from fewshot_bench.errors import UsageError


class MaxPooledConv4(Conv4):
    """Conv-4 with 64 channels whose last map is max-pooled by windows of side 5.

    A smaller map is pooled whole, which is our rule: the release has images of 84 pixels.
    """

    def __init__(self, in_shape: tuple[int, int, int]) -> None:
        super().__init__(in_shape, (64, 64, 64, 64))
        height, width = in_shape[1] >> 4, in_shape[2] >> 4
        window = min(5, height), min(5, width)
        self.end = nn.MaxPool2d(window)
        self.map_shape = (64, height // window[0], width // window[1])

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the pooled map, ``[N, *map_shape]``."""
        maps: Tensor = self.end(self.blocks(images))
        return maps


@backbones.register("conv4-64-feat")
def conv4_64_feat(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 64 channels, its last map max-pooled to 64 features (Ye et al. 2020).

    As in ``model/networks/convnet.py`` of Sha-Lab/FEAT.
    """
    return MaxPooledConv4(in_shape)


@backbones.register("resnet12-meta-baseline")
def resnet12_meta_baseline(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 with 64-128-256-512 channels, mean of the map (Chen et al. 2021).

    As in ``models/resnet12.py`` of yinboc/few-shot-meta-baseline: leaky ReLU of slope 0.1, max
    pooling in every block, no dropout.
    """
    channels, height, width = in_shape
    if min(height, width) < 16:
        raise UsageError(
            f"resnet12-meta-baseline halves an image 4 times: {height}x{width} pixels are too few"
        )
    blocks, before = [], channels
    for after in (64, 128, 256, 512):
        blocks.append(Block(before, after, nn.LeakyReLU(0.1), nn.MaxPool2d(2)))
        before = after
    network = ResNet12(in_shape, (before, height >> 4, width >> 4), blocks, pooled=True)
    init_convolutions(network)
    return network
