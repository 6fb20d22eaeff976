"""ResNet-12 as few-shot papers know it: four blocks of three convolutions, no stem."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions
from fewshot_bench.backbones.dropblock import DropBlock
from fewshot_bench.errors import UsageError

Norm = Callable[[int], nn.Module]


class Block(nn.Module):
    """Three convolutions 3x3 with batch norm beside a convolution 1x1 with batch norm.

    Args:
        before, after: channels of the input and of the output.
        activation: after the first two convolutions and after the sum; has no weights.
        end: what follows: pooling and dropout.
        norm: makes a batch norm for so many channels.
    """

    def __init__(
        self,
        before: int,
        after: int,
        activation: nn.Module,
        end: nn.Module,
        norm: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(before, after, norm),
            activation,
            *_convolution(after, after, norm),
            activation,
            *_convolution(after, after, norm),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), norm(after))
        self.end = nn.Sequential(activation, end)

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, ...]``, halved if `end` does so."""
        result: Tensor = self.end(self.residual(maps) + self.shortcut(maps))
        return result


def _convolution(before: int, after: int, norm: Norm) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(before, after, 3, padding=1, bias=False), norm(after)


class ResNet12(Backbone):
    """Four blocks one after another.

    Args:
        in_shape: ``(C, H, W)`` of the images.
        map_shape: ``(channels, height, width)`` of the last block's output.
        blocks: in their order.
        pooled: features are the mean over the map, else the flattened map.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        map_shape: tuple[int, int, int],
        blocks: Sequence[nn.Module],
        pooled: bool,
    ) -> None:
        super().__init__()
        self.in_shape, self.map_shape, self.pooled = in_shape, map_shape, pooled
        self.blocks = nn.Sequential(*blocks)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the output of the last block, ``[N, *map_shape]``."""
        maps: Tensor = self.blocks(images)
        return maps


@backbones.register("resnet12-metaopt", "resnet12")
def resnet12_metaopt(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 with 64-160-320-640 channels and DropBlock, flattened (Lee et al. 2019).

    As in ``models/ResNet12_embedding.py`` of MetaOptNet's release: leaky ReLU of slope 0.1, max
    pooling in every block, then dropout of 0.1 (blocks 1 and 2) or DropBlock (blocks 3 and 4).
    The release's squares have side 5 for images of 84 pixels and 2 for 32; both are the side of
    the last map, which is our rule for other sizes, up to 5.
    """
    return _with_dropblock("resnet12-metaopt", in_shape, pooled=False)


@backbones.register("resnet12-rfs")
def resnet12_rfs(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 of MetaOptNet whose features are the mean of the map (Tian et al. 2020).

    As ``models/util.py`` of RFS's release makes it: ``avg_pool=True``, otherwise the same.
    """
    return _with_dropblock("resnet12-rfs", in_shape, pooled=True)


def _with_dropblock(name: str, in_shape: tuple[int, int, int], pooled: bool) -> ResNet12:
    channels, height, width = in_shape
    if min(height, width) < 16:
        raise UsageError(f"{name} halves an image 4 times: {height}x{width} pixels are too few")
    block_size = min(5, height >> 4, width >> 4)
    drops = [nn.Dropout(0.1), nn.Dropout(0.1), DropBlock(block_size), DropBlock(block_size)]
    blocks, before = [], channels
    for after, drop in zip((64, 160, 320, 640), drops, strict=True):
        end = nn.Sequential(nn.MaxPool2d(2), drop)
        blocks.append(Block(before, after, nn.LeakyReLU(0.1), end))
        before = after
    network = ResNet12(in_shape, (before, height >> 4, width >> 4), blocks, pooled)
    init_convolutions(network)
    return network


@backbones.register("resnet12-tadam")
def resnet12_tadam(in_shape: tuple[int, int, int]) -> Backbone:
    """ResNet-12 with 64-128-256-512 channels and swish, mean of the map (Oreshkin et al. 2018).

    As in ``model/tadam.py`` of the release: max pooling after the first three blocks
    (``num_max_pools``; the paper says every block) that keeps a last odd row or column (``SAME``),
    batch norm with eps 0.001 and momentum 0.95 (0.05 as PyTorch counts it), and a tenth of the
    usual variance of initial convolutions (``weights_initializer_factor``).
    """
    channels, height, width = in_shape
    blocks, before = [], channels
    for index, after in enumerate((64, 128, 256, 512)):
        end = nn.MaxPool2d(2, ceil_mode=True) if index < 3 else nn.Identity()
        blocks.append(Block(before, after, nn.SiLU(), end, _tadam_norm))
        before = after
    network = ResNet12(in_shape, (before, -(-height // 8), -(-width // 8)), blocks, pooled=True)
    init_convolutions(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(0.1**0.5)
    return network


def _tadam_norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)
