"""Residual networks: published sizes and shapes, and plain re-computations of what they do."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.backbones.dropblock import DropBlock
from fewshot_bench.backbones.wide_resnet import WideResNet
from fewshot_bench.errors import UsageError

# Side of the last map for images of 32 and 84 pixels, its channels, and whether it is pooled.
SHAPES = {
    "resnet12-metaopt": (2, 5, 640, False),
    "resnet12-rfs": (2, 5, 640, True),
    "resnet12-tadam": (4, 11, 512, True),
    "resnet18": (4, 11, 512, True),
    "wrn-28-10": (8, 11, 640, True),
}
STEM = (7 * 7 - 3 * 3) * 3 * 64  # what a 7x7 convolution of RGB to 64 has more than a 3x3 one
# Published number of parameters, and those of them that are not in our backbone.
SIZES = {
    "resnet12-metaopt": (12_424_320, 0),  # as counted in QSFormer's release
    "resnet12-rfs": (12_424_320, 0),  # the mean over the map has no weights
    "resnet12-tadam": (7_996_800, 0),  # our sum over its layers; quoted as 8.0M
    "resnet18": (11_689_512, STEM + 513 * 1000),  # torchvision, 1000 classes
    "wrn-28-10": (36_479_194, 641 * 10),  # tests of imgclsmob (pytorchcv), 10 classes
}
State = Iterator[Tensor]


def small(name: str) -> Backbone:
    """The network for images of 16 pixels; a narrow and shallow one in place of WRN-28-10."""
    torch.manual_seed(0)
    if name == "wrn-28-10":
        return WideResNet((3, 16, 16), n_blocks=2, width=1, first_stride=1)
    return backbones[name]((3, 16, 16))


def unreal(name: str, *in_shape: int) -> Backbone:
    """The network on the device that computes shapes alone, in evaluation mode."""
    with torch.device("meta"):
        channels, height, width = in_shape
        return backbones[name]((channels, height, width)).eval()


@pytest.mark.parametrize("name", SHAPES)
def test_sizes_and_shapes_are_the_published_ones(name: str) -> None:
    *sides, channels, pooled = SHAPES[name]
    for size, side in zip((32, 84), sides, strict=True):
        backbone, images = unreal(name, 3, size, size), torch.empty(2, 3, size, size, device="meta")
        assert backbone.map_shape == (channels, side, side)
        assert backbone.feature_map(images).shape == (2, channels, side, side)
        out_dim = channels if pooled else channels * side**2
        assert backbone(images).shape == (2, backbone.out_dim) == (2, out_dim)
    published, elsewhere = SIZES[name]
    assert sum(p.numel() for p in backbone.parameters()) + elsewhere == published


@pytest.mark.parametrize("name", SHAPES)
def test_any_shape_of_images(name: str) -> None:
    for in_shape in ((1, 28, 28), (3, 33, 50), (3, 83, 71)):
        backbone = unreal(name, *in_shape)
        maps = backbone.feature_map(torch.empty(1, *in_shape, device="meta"))
        assert maps.shape[1:] == backbone.map_shape


@pytest.mark.parametrize(("size", "side"), [(28, 7), (32, 8), (64, 8), (80, 10)])
def test_the_first_group_of_wrn_halves_large_images(size: int, side: int) -> None:
    assert unreal("wrn-28-10", 3, size, size).map_shape == (640, side, side)


@pytest.mark.parametrize("name", SHAPES)
def test_features_are_the_map_pooled_or_flattened(name: str) -> None:
    backbone, images = small(name).eval(), torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        maps = backbone.feature_map(images)
        features = maps.flatten(2).mean(2) if SHAPES[name][3] else maps.flatten(1)
        torch.testing.assert_close(backbone(images), features)


@pytest.mark.parametrize("name", SHAPES)
def test_only_dropout_is_random_and_only_in_training(name: str) -> None:
    backbone, images = small(name), torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        first, second = backbone(images), backbone(images)
        assert torch.equal(first, second) == (name not in ("resnet12-metaopt", "resnet12-rfs"))
        backbone.eval()
        assert torch.equal(backbone(images), backbone(images))


@pytest.mark.parametrize("name", SHAPES)
def test_every_weight_gets_a_gradient(name: str) -> None:
    backbone = small(name)
    backbone(torch.randn(8, 3, 16, 16)).square().sum().backward()
    for key, weight in backbone.named_parameters():
        assert weight.grad is not None, key
        assert torch.isfinite(weight.grad).all(), key
        assert weight.grad.abs().sum() > 0, key


def convolution(maps: Tensor, state: State, stride: int = 1) -> Tensor:
    weight = next(state)
    return F.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)


def norm(maps: Tensor, state: State, eps: float = 1e-5) -> Tensor:
    weight, bias, mean, var = (next(state).view(1, -1, 1, 1) for _ in range(4))
    next(state)  # the number of batches
    return weight * (maps - mean) / (var + eps).sqrt() + bias


def metaopt(maps: Tensor, state: State) -> Tensor:
    def active(maps: Tensor) -> Tensor:
        return torch.where(maps > 0, maps, 0.1 * maps)

    for block in range(4):
        maps = F.max_pool2d(resnet12_block(maps, state, active, eps=1e-5), 2)
        if block > 1:
            next(state)  # the count of DropBlock
    return maps


def tadam(maps: Tensor, state: State) -> Tensor:
    def active(maps: Tensor) -> Tensor:
        return maps * torch.sigmoid(maps)

    for _ in range(3):
        maps = F.max_pool2d(resnet12_block(maps, state, active, eps=1e-3), 2)
    return resnet12_block(maps, state, active, eps=1e-3)


def resnet12_block(
    maps: Tensor, state: State, active: Callable[[Tensor], Tensor], eps: float
) -> Tensor:
    inner = active(norm(convolution(maps, state), state, eps))
    inner = active(norm(convolution(inner, state), state, eps))
    inner = norm(convolution(inner, state), state, eps)
    return active(inner + norm(convolution(maps, state), state, eps))


def resnet18(maps: Tensor, state: State) -> Tensor:
    maps = F.relu(norm(convolution(maps, state), state))
    for block in range(8):
        stride = 2 if block in (2, 4, 6) else 1
        inner = F.relu(norm(convolution(maps, state, stride), state))
        inner = norm(convolution(inner, state), state)
        beside = norm(convolution(maps, state, stride), state) if stride == 2 else maps
        maps = F.relu(inner + beside)
    return maps


def wrn(maps: Tensor, state: State) -> Tensor:
    """Two blocks a group; with a width of 1 the first group has no convolution beside."""
    maps = convolution(maps, state)
    for block in range(6):
        stride = 2 if block in (2, 4) else 1
        active = F.relu(norm(maps, state))
        inner = F.relu(norm(convolution(active, state, stride), state))
        inner = convolution(inner, state)
        maps = inner + (convolution(active, state, stride) if stride == 2 else maps)
    return F.relu(norm(maps, state))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("resnet12-metaopt", metaopt),
        ("resnet12-rfs", metaopt),
        ("resnet12-tadam", tadam),
        ("resnet18", resnet18),
        ("wrn-28-10", wrn),
    ],
)
def test_layers_are_those_of_a_plain_computation(
    name: str, reference: Callable[[Tensor, State], Tensor]
) -> None:
    """The reference takes the weights one after another, and has to use them up."""
    backbone = small(name).double().eval()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight.data, module.bias.data, module.running_mean):
                values.normal_(1, 0.3)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    images = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    state = iter(backbone.state_dict().values())
    with torch.no_grad():
        expected = reference(images, state)
        torch.testing.assert_close(backbone.feature_map(images), expected)
    assert not list(state)
    assert expected.std() > 0


def test_dropblock_has_the_size_of_the_release() -> None:
    for size, side in ((84, 5), (80, 5), (32, 2), (28, 1)):
        backbone = unreal("resnet12-metaopt", 3, size, size)
        drops = [m for m in backbone.modules() if isinstance(m, DropBlock)]
        assert [drop.block_size for drop in drops] == [side, side]


@pytest.mark.parametrize(
    ("name", "factor"), [("resnet12-metaopt", 1.0), ("resnet12-tadam", 0.1), ("resnet18", 1.0)]
)
def test_convolutions_begin_with_the_variance_of_the_release(name: str, factor: float) -> None:
    for module in small(name).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 10_000:
            expected = factor * 2 / (module.kernel_size[0] ** 2 * module.out_channels)
            assert float(module.weight.detach().var()) == pytest.approx(expected, rel=0.05)


def test_batch_norm_is_that_of_the_release() -> None:
    for name, eps, momentum in (("resnet12-tadam", 1e-3, 0.05), ("resnet12-metaopt", 1e-5, 0.1)):
        norms = [m for m in small(name).modules() if isinstance(m, nn.BatchNorm2d)]
        assert len(norms) == 16
        assert {(m.eps, m.momentum) for m in norms} == {(eps, momentum)}


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match="resnet12-metaopt halves an image 4 times: 8x8"):
        backbones["resnet12-metaopt"]((1, 8, 8))
