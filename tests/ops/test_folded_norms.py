"""Batch norms folded into the layers before them: the same answers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fewshot_bench.ops.folded_norms import fold_norm, without_norms
from tests.baselines.made_up import stir_norms
from tests.oracles import close


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_a_folded_norm_does_what_layer_and_norm_do(kind: str, bias: bool) -> None:
    layer = nn.Linear(3, 5, bias) if kind == "linear" else nn.Conv2d(3, 5, 3, bias=bias)
    norm = nn.BatchNorm1d(5) if kind == "linear" else nn.BatchNorm2d(5)
    network = nn.Sequential(layer, norm).double().eval()
    stir_norms(network)
    inputs = torch.randn(4, 3, *((6, 6) if kind == "convolution" else ()), dtype=torch.float64)
    apply = F.conv2d if kind == "convolution" else F.linear
    close(apply(inputs, *fold_norm(layer, norm)), network(inputs))


def test_only_norms_right_behind_a_convolution_are_left_out() -> None:
    def block() -> nn.Sequential:
        act = nn.ReLU()
        return nn.Sequential(
            nn.Conv2d(3, 3, 1, bias=False), act, nn.BatchNorm2d(3), act, nn.Conv2d(3, 3, 1), act
        )

    network = nn.Sequential(nn.BatchNorm2d(3), block(), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    copied, before = without_norms(network)
    assert before == {"3": "2"}
    assert [name for name, m in copied.named_modules() if isinstance(m, nn.BatchNorm2d)] == [
        "0",
        "1.2",
    ]
    assert copied.get_parameter("2.weight") is network.get_parameter("2.weight")
    assert isinstance(network[3], nn.BatchNorm2d)
