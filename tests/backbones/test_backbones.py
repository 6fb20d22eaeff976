"""Backbones: shapes, sizes, and what they promise."""

import pytest
import torch
from torch import nn

from fewshot_bench.backbones.base import backbones, use_batch_statistics
from fewshot_bench.errors import UsageError

# Flattened features of Conv-4 at each image size: 1x1, 2x2 and 5x5 maps.
MAP_SIDE = {28: 1, 32: 2, 84: 5}


@pytest.mark.parametrize("name", ["conv4-64", "conv4-128"])
@pytest.mark.parametrize("size", MAP_SIDE)
@pytest.mark.parametrize("channels", [1, 3])
def test_features_have_the_published_shape(name: str, size: int, channels: int) -> None:
    backbone = backbones[name]((channels, size, size)).eval()
    width, side = int(name[-3:].strip("-")), MAP_SIDE[size]
    assert backbone.map_shape == (width, side, side)
    images = torch.randn(2, channels, size, size)
    with torch.no_grad():
        features = backbone(images)
        assert features.shape == (2, backbone.out_dim) == (2, width * side * side)
        assert torch.equal(features, backbone.feature_map(images).flatten(1))
    assert features.min() >= 0, "the last block ends with ReLU"


@pytest.mark.parametrize(
    ("name", "widths"), [("conv4-64", [64] * 4), ("conv4-128", [64, 64, 128, 128])]
)
def test_parameters(name: str, widths: list[int]) -> None:
    expected = sum(9 * a * b + 2 * b for a, b in zip([3, *widths], widths, strict=False))
    assert sum(p.numel() for p in backbones[name]((3, 32, 32)).parameters()) == expected


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match="8x8 pixels are too few"):
        backbones["conv4-64"]((1, 8, 8))


def test_batch_statistics_are_those_of_the_batch() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten())
    use_batch_statistics(network)
    images = 5 + 2 * torch.randn(16, 3, 8, 8)
    for mode in (True, False):
        normalised = network.train(mode)(images).view(16, 3, 64)
        torch.testing.assert_close(normalised.mean((0, 2)), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(normalised.std((0, 2)), torch.ones(3), atol=1e-2, rtol=0)
    assert not list(network.buffers())
