"""Networks of four convolutions as some papers' releases have them, each unlike Conv-4."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones, init_convolutions
from fewshot_bench.errors import UsageError


@dataclass(frozen=True)
class ConvBlock:
    """Convolution 3x3 without bias, batch norm, perhaps max-pooling 2, activation, dropout.

    Attributes:
        width: channels.
        padding: of the convolution; without any, a map loses two rows and columns.
        pool: whether the map is halved.
        dropout: probability.
        of_maps: drop whole maps, not single entries.
    """

    width: int
    padding: int = 1
    pool: bool = True
    dropout: float = 0.0
    of_maps: bool = False

    def side(self, before: int) -> int:
        """Height or width of the map that it makes of one of `before`."""
        after = before + 2 * self.padding - 2
        return after // 2 if self.pool else after

    def build(self, before: int, activation: nn.Module) -> nn.Sequential:
        """Make the layers for maps of `before` channels."""
        layers: list[nn.Module] = [
            nn.Conv2d(before, self.width, 3, padding=self.padding, bias=False),
            nn.BatchNorm2d(self.width),
        ]
        if self.pool:  # before the activation, which gives the same on a quarter of the map
            layers.append(nn.MaxPool2d(2))
        layers.append(activation)
        if self.dropout:
            layers.append((nn.Dropout2d if self.of_maps else nn.Dropout)(self.dropout))
        return nn.Sequential(*layers)


class ConvBlocks(Backbone):
    """Blocks one after another; the output is the flattened map.

    Convolutions have no bias, which the batch norm would cancel.

    Args:
        name: for messages.
        in_shape: ``(C, H, W)`` of the images.
        blocks: what each does.
        activation: makes the activation of a block.
    """

    def __init__(
        self,
        name: str,
        in_shape: tuple[int, int, int],
        blocks: Sequence[ConvBlock],
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        before, height, width = in_shape
        layers = []
        for block in blocks:
            layers.append(block.build(before, activation()))
            before, height, width = block.width, block.side(height), block.side(width)
            if min(height, width) < 1:
                few = f"{in_shape[1]}x{in_shape[2]} pixels are too few"
                raise UsageError(f"{few} for {name}: no map is left behind its blocks")
        self.in_shape, self.map_shape = in_shape, (before, height, width)
        self.blocks = nn.Sequential(*layers)
        init_convolutions(self)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the map after the last block, ``[N, *map_shape]``."""
        maps: Tensor = self.blocks(images)
        return maps


@backbones.register("conv4-64-dropout")
def conv4_64_dropout(in_shape: tuple[int, int, int]) -> Backbone:
    """Conv-4 with 64 channels and dropout of 0.1 in every block (Ravi & Larochelle 2017).

    As in ``matching-net-classifier.lua`` of twitter/meta-learning-lstm, flattened.
    """
    return ConvBlocks("conv4-64-dropout", in_shape, [ConvBlock(64, dropout=0.1)] * 4)


@backbones.register("conv4-relation")
def conv4_relation(in_shape: tuple[int, int, int]) -> Backbone:
    """Four convolutions of 64 channels, pooled after the first two alone (Sung et al. 2018).

    As in ``CNNEncoder`` of floodsung/LearningToCompare_FSL: the first two have no padding. Maps
    are 19x19 for images of 84 pixels, 6x6 for 32, 5x5 for 28. Running statistics of batch norm
    are averaged as usual; the release keeps those of the last batch, and uses none.
    """
    early, late = ConvBlock(64, padding=0), ConvBlock(64, pool=False)
    return ConvBlocks("conv4-relation", in_shape, [early, early, late, late])


@backbones.register("conv4-gnn")
def conv4_gnn(in_shape: tuple[int, int, int]) -> Backbone:
    """Convolutions of 64-96-128-256 channels, the last two with dropout (Garcia & Bruna 2018).

    As in ``EmbeddingImagenet`` of vgsatorras/few-shot-gnn, up to its linear layer, which the
    method `gnn` has: leaky ReLU of slope 0.2, no padding in the second convolution, dropout of
    whole maps of 0.4 and 0.5. Flattened 6400 features for images of 84 pixels, 256 for 32.
    """
    blocks = [
        ConvBlock(64),
        ConvBlock(96, padding=0),
        ConvBlock(128, dropout=0.4, of_maps=True),
        ConvBlock(256, dropout=0.5, of_maps=True),
    ]
    return ConvBlocks("conv4-gnn", in_shape, blocks, lambda: nn.LeakyReLU(0.2))


@backbones.register("conv4-gnn-omniglot")
def conv4_gnn_omniglot(in_shape: tuple[int, int, int]) -> Backbone:
    """Four convolutions of 64 channels, pooled after the first two alone (Garcia & Bruna 2018).

    As in ``EmbeddingOmniglot`` of vgsatorras/few-shot-gnn, up to its linear layer: leaky ReLU of
    slope 0.1, no padding in the last two convolutions. Maps are 3x3 for images of 28 pixels.
    """
    early, late = ConvBlock(64), ConvBlock(64, padding=0, pool=False)
    blocks = [early, early, late, late]
    return ConvBlocks("conv4-gnn-omniglot", in_shape, blocks, lambda: nn.LeakyReLU(0.1))
