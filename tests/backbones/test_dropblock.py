"""DropBlock: how much it drops, in which shape, and when."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.backbones.dropblock import DropBlock


def dropped(layer: DropBlock, *shape: int) -> Tensor:
    """Where a training forward on ones gives zeros, float ``[N, C, H, W]``."""
    torch.manual_seed(0)
    output: Tensor = layer.train()(torch.ones(shape))
    return (output == 0).float()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_rate_is_that_of_the_corners(size: int) -> None:
    """A value survives if none of the squares that would cover it was drawn."""
    side, rate = 11, 0.1
    zeros = dropped(DropBlock(size, rate, ramp=1), 400, 60, side, side)
    places = side - size + 1
    corner_rate = rate * side**2 / (size * places) ** 2
    covers = torch.zeros(side, side)
    for row in range(places):
        for column in range(places):
            covers[row : row + size, column : column + size] += 1
    expected = 1 - (1 - corner_rate) ** covers
    assert (zeros.mean((0, 1)) - expected).abs().max() < 0.0125  # 4.6 s.e. of 24,000
    assert float(zeros.mean()) == pytest.approx(float(expected.mean()), abs=0.004)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_what_is_dropped_is_made_of_whole_squares(size: int) -> None:
    zeros = dropped(DropBlock(size, 0.2, ramp=1), 8, 16, 9, 13)
    corners = -F.max_pool2d(-zeros, size, stride=1)  # 1 where a whole square is dropped
    squares = F.max_pool2d(F.pad(corners, [size - 1] * 4), size, stride=1)
    assert 0 < zeros.mean() < 0.5
    assert torch.equal(squares, zeros)


def test_a_square_as_large_as_the_map_drops_whole_channels() -> None:
    zeros = dropped(DropBlock(5, 0.1, ramp=1), 200, 100, 5, 5).flatten(2)
    assert torch.equal(zeros.amin(2), zeros.amax(2))
    assert float(zeros.mean()) == pytest.approx(0.1, abs=0.01)


def test_the_mean_is_kept() -> None:
    torch.manual_seed(0)
    output = DropBlock(2, 0.3, ramp=1)(torch.ones(8, 16, 8, 8))
    assert (output == 0).any()
    assert float(output.mean()) == pytest.approx(1.0, abs=1e-5)


def test_nothing_left_is_zero_and_not_nan() -> None:
    assert torch.equal(DropBlock(4, 1.0, ramp=1)(torch.ones(2, 3, 4, 4)), torch.zeros(2, 3, 4, 4))


def test_the_keep_rate_falls_from_1_to_09_within_40000_training_forwards() -> None:
    layer, maps = DropBlock(2), torch.ones(1, 1, 2, 2)
    for done in (0, 1, 2):
        assert float(layer.current_rate) == pytest.approx(0.1 / (20 * 2000) * done)
        layer(maps)
    for n, keep in ((20_000, 0.95), (40_000, 0.9), (90_000, 0.9)):
        layer.n_forwards.fill_(n)
        assert 1 - float(layer.current_rate) == pytest.approx(keep)


def test_evaluation_changes_nothing_and_does_not_count() -> None:
    layer, maps = DropBlock(2, 0.5, ramp=1), torch.randn(2, 3, 4, 4)
    assert layer.eval()(maps) is maps
    assert int(layer.n_forwards) == 0


def test_the_count_goes_with_the_weights() -> None:
    layer, resumed = DropBlock(2, 0.5, ramp=10), DropBlock(2, 0.5, ramp=10)
    maps = torch.randn(4, 8, 4, 4)
    for _ in range(4):
        layer(maps)
    resumed.load_state_dict(layer.half().double().state_dict())
    assert int(resumed.n_forwards) == 4
    outputs = []
    for one in (layer, resumed):
        torch.manual_seed(1)
        outputs.append(one(maps))
    assert torch.equal(*outputs)
    assert (outputs[0] == 0).any()


def test_the_type_of_the_maps_is_kept() -> None:
    assert DropBlock(2)(torch.ones(1, 1, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
