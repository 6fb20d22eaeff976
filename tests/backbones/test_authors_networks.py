"""Networks of the papers against numbers of their authors' code, or of TensorFlow's rules."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.backbones.maml_networks import StridedConvolution
from fewshot_bench.errors import UsageError

# From bertinetto/r2d2 (load_model.py), yinboc/few-shot-meta-baseline (resnet12.py) and
# Sha-Lab/FEAT (convnet.py, res12.py), filled as below: the first feature of the first image, the
# middle one of the second, the last of the first, the mean of all and of their squares.
AUTHORS: dict[tuple[str, int, int], tuple[int, list[float]]] = {
    ("conv4-r2d2", 3, 32): (
        8064,
        [0.2071103967, -0.0001398725, -0.011307876, 0.0638636918, 0.0135944834],
    ),
    ("conv4-r2d2", 1, 28): (
        3584,
        [0.4134815493, -0.001430903, -0.009433455, 0.1676627126, 0.067720823],
    ),
    ("conv4-r2d2-64", 3, 32): (
        1152,
        [0.226274618, 0.2095466215, 0.2079258042, 0.0744802908, 0.0156084377],
    ),
    ("resnet12-meta-baseline", 3, 32): (
        512,
        [0.3539663197, 0.0689963652, -0.0192575071, 0.1282291825, 0.0550523619],
    ),
    ("conv4-64-feat", 3, 84): (64, [0.2294431435, 0.0, 0.2303117039, 0.0807431124, 0.0156754864]),
    ("resnet12-rfs", 3, 84): (
        640,
        [0.3467687364, 0.3103409252, 0.4982974209, 0.1264098291, 0.054649898],
    ),
}


def fill(network: nn.Module) -> nn.Module:
    """Give every layer weights that are functions of its shape alone."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            waves = (torch.arange(module.weight.numel()).double() * 0.37).cos()
            module.weight.data = waves.view_as(module.weight) / module.weight[0].numel() ** 0.5
        if isinstance(module, nn.BatchNorm2d):
            k = torch.arange(module.num_features).double()
            module.weight.data, module.bias.data = 1 + 0.3 * (k * 0.7).sin(), 0.2 * (k * 1.1).cos()
            module.running_mean, module.running_var = (
                0.1 * (k * 0.5).sin(),
                1 + 0.2 * (k * 0.9).cos(),
            )
    return network.double().eval()


def waves(channels: int, side: int) -> Tensor:
    count = torch.arange(2 * channels * side * side).double()
    return (count * 0.013).sin().view(2, channels, side, side)


@pytest.mark.parametrize("key", AUTHORS, ids=str)
def test_features_are_those_of_the_authors_network(key: tuple[str, int, int]) -> None:
    name, channels, side = key
    width, expected = AUTHORS[key]
    network = backbones[name]((channels, side, side))
    with torch.no_grad():
        features = fill(network)(waves(channels, side))
    assert features.shape == (2, network.out_dim) == (2, width)
    picked = [features[0, 0], features[1, width // 2], features[0, -1]]
    found = torch.stack([*picked, features.mean(), features.square().mean()])
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=2e-8)


@pytest.mark.parametrize(
    ("name", "shape", "dim"),
    [  # as the papers print them, or as the releases' layers give
        ("conv4-r2d2", (3, 84, 84), 72576),
        ("conv4-32", (3, 84, 84), 800),
        ("conv4-32", (3, 32, 32), 128),
        ("conv4-32-reptile", (3, 84, 84), 1152),
        ("conv4-64-strided", (1, 28, 28), 64),
        ("conv4-64-reptile", (1, 28, 28), 256),
        ("conv4-64-feat", (3, 32, 32), 64),
    ],
)
def test_as_many_features_as_published(name: str, shape: tuple[int, int, int], dim: int) -> None:
    network = backbones[name](shape).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, *shape)).shape == (1, network.out_dim) == (1, dim)
    if network.map_shape is not None:
        assert network.feature_map(torch.zeros(1, *shape)).shape == (1, *network.map_shape)
    with pytest.raises(UsageError, match="8x8 pixels are too few"):
        backbones[name]((shape[0], 8, 8))


@pytest.mark.parametrize(
    ("shape", "dropout"), [((1, 28, 28), 0.0), ((3, 32, 32), 0.4), ((3, 84, 84), 0.1)]
)
def test_r2d2_drops_as_much_as_on_the_authors_images(
    shape: tuple[int, int, int], dropout: float
) -> None:
    layers = [m.p for m in backbones["conv4-r2d2"](shape).modules() if isinstance(m, nn.Dropout)]
    assert layers == [0.0, 0.0, dropout, dropout]


@pytest.mark.parametrize("side", [5, 6, 7, 28])
def test_a_strided_convolution_is_padded_as_in_tensorflow(side: int) -> None:
    """SAME: ceil(n / 2) outputs; of the padding that they need, the smaller half comes first."""
    layer = StridedConvolution(1, 1, 3, stride=2, bias=False).double()
    image = np.random.default_rng(side).normal(size=(side, side))
    out = -(-side // 2)
    before = max(0, (out - 1) * 2 + 3 - side) // 2
    padded = np.pad(image, ((before, 3), (before, 3)))
    kernel = layer.weight.detach().numpy()[0, 0]
    expected = [
        [(padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * kernel).sum() for j in range(out)]
        for i in range(out)
    ]
    found = layer(torch.from_numpy(image)[None, None]).detach().numpy()
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-12)


def test_maml_networks_start_as_in_tensorflow() -> None:
    network: Backbone = backbones["conv4-32"]((3, 32, 32))
    first, norm = network.get_submodule("blocks.0.0"), network.get_submodule("blocks.0.1")
    assert isinstance(first, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    bound = (6 / (9 * 3 + 9 * 32)) ** 0.5
    assert 0.95 * bound < float(first.weight.detach().abs().max()) <= bound
    assert norm.eps == 1e-3
