"""Networks of papers' releases against the numbers that the authors' own code gives."""

import pytest
import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.backbones.resnet12_published import PlainShortcutBlock
from fewshot_bench.errors import UsageError
from tests.filled import fill, waves

# Sums, and sums of squares, of the features of two images by the authors' networks, in evaluation
# mode, filled as ours: CNNEncoder of floodsung/LearningToCompare_FSL b74e636; what goes into the
# linear layer of EmbeddingImagenet and EmbeddingOmniglot of vgsatorras/few-shot-gnn 6ad1563;
# resnet12 of blue-blue272/fewshot-CAN 6055985.
THEIRS = {
    ("conv4-relation", 3, 84): (
        (64, 19, 19),
        [71713.30269329662, 72856.63191261128],
        [1079918.027261355, 1119036.676749059],
    ),
    ("conv4-relation", 3, 32): (
        (64, 6, 6),
        [14858.01555227513, 13048.916429442721],
        [362281.4437565331, 221037.95036639937],
    ),
    ("conv4-relation", 1, 28): (
        (64, 5, 5),
        [19468.590441119508, 22696.182470057414],
        [790414.5743712245, 1104034.8893421586],
    ),
    ("conv4-gnn", 3, 84): (
        (256, 5, 5),
        [99650.5890682073, 89419.96210502865],
        [3268824.428931934, 2679419.0585838463],
    ),
    ("resnet12-can", 3, 32): (
        (512, 2, 2),
        [16855428.67456283, 45162450.28261745],
        [376158076804.6915, 2630859656081.45],
    ),
    ("conv4-gnn-omniglot", 1, 28): (
        (64, 3, 3),
        [3045.793708868445, 13029.46036466616],
        [123467.73808866544, 1495906.8705130129],
    ),
}


@pytest.mark.parametrize(("name", "channels", "side"), THEIRS)
def test_features_are_those_of_the_authors(name: str, channels: int, side: int) -> None:
    shape, sums, squares = THEIRS[name, channels, side]
    backbone = backbones[name]((channels, side, side))
    fill(backbone)
    with torch.no_grad():
        features = backbone.double().eval()(waves(2, channels, side, side))
    assert backbone.map_shape == shape
    assert features.sum(1).tolist() == pytest.approx(sums, rel=1e-10)
    assert features.square().sum(1).tolist() == pytest.approx(squares, rel=1e-10)


def test_a_block_of_snail_is_that_of_its_follower() -> None:
    """ResBlock of eambutu/snail-pytorch c07c679, whose shortcut has no batch norm."""
    block = fill(PlainShortcutBlock(3, 64, dropout=0.1)).double().eval()
    with torch.no_grad():
        features = block(waves(2, 3, 32, 32)).flatten(1)
    assert features.sum(1).tolist() == pytest.approx([45325.63909663834, 46023.608206627505])
    squares = [218694.13693073118, 240921.394348745]
    assert features.square().sum(1).tolist() == pytest.approx(squares)


def test_features_of_snail_are_the_rectified_mean_of_2048_channels() -> None:
    backbone = fill(backbones["resnet12-snail"]((3, 32, 32))).double().eval()
    with torch.no_grad():
        maps = backbone.feature_map(waves(2, 3, 32, 32))  # type: ignore[operator]
        features = backbone(waves(2, 3, 32, 32))
    assert maps.shape == (2, 2048, 2, 2)
    assert torch.equal(features, maps.mean((2, 3)).clamp(min=0))


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("conv4-64-dropout", {torch.nn.Dropout: [0.1] * 4}),
        ("conv4-gnn", {torch.nn.Dropout2d: [0.4, 0.5]}),
        ("resnet12-snail", {torch.nn.Dropout: [0.1] * 5}),
        ("conv4-relation", {}),
        ("conv4-gnn-omniglot", {}),
    ],
)
def test_dropout_is_the_releases(name: str, rates: dict[type, list[float]]) -> None:
    found: dict[type, list[float]] = {}
    for module in backbones[name]((3, 32, 32)).modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            found.setdefault(type(module), []).append(module.p)
    assert found == rates


@pytest.mark.parametrize(("name", "side"), [("conv4-relation", 9), ("conv4-gnn", 19)])
def test_images_of_which_no_map_is_left_are_refused(name: str, side: int) -> None:
    assert backbones[name]((3, side + 1, side + 1)).map_shape is not None
    with pytest.raises(UsageError, match=f"{side}x{side} pixels are too few for {name}"):
        backbones[name]((3, side, side))
