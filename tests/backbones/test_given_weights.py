"""Weights of a user's own: matched by name, told from each other, kept; or refused in one line."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.backbones.given_weights import keep_weights, kept_at, with_given_weights
from fewshot_bench.errors import UsageError
from tests.backbones.test_timm import StandIn

SHAPE = (1, 16, 16)
NAME = "conv4-64"


def drawn() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return dict(backbones[NAME](SHAPE).state_dict())


def kept(tmp_path: Path, content: object, name: str = NAME) -> Backbone:
    torch.save(content, tmp_path / "mine.pt")
    return with_given_weights(name, SHAPE, keep_weights(tmp_path / "mine.pt", name, SHAPE))


pytestmark = pytest.mark.usefixtures("empty_home")


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone.", "encoder."])
def test_weights_are_found_under_what_they_were_wrapped_in(
    tmp_path: Path, prefix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = drawn()
    wrapped = {f"{prefix}{name}": tensor for name, tensor in weights.items()}
    head = {f"{prefix}fc.{name}": torch.ones(3) for name in ("weight", "bias")}
    backbone = kept(tmp_path, {"state_dict": {**wrapped, **head}})
    assert all(torch.equal(backbone.state_dict()[name], weights[name]) for name in weights)
    left_out = f"a classifier are left out: '{prefix}fc.weight', '{prefix}fc.bias'"
    assert left_out in capfd.readouterr().err


def test_they_are_known_by_what_they_are(tmp_path: Path) -> None:
    first, second = drawn(), drawn()
    second["blocks.0.0.weight"] = -second["blocks.0.0.weight"]
    keys = [kept(tmp_path, weights).weights_key for weights in (first, second, first)]
    assert keys[0] == keys[2] != keys[1]
    assert keys[0] is not None
    (tmp_path / "mine.pt").unlink()
    with_given_weights(NAME, SHAPE, keys[0])


def test_counters_of_batches_may_lack_and_half_precision_is_read(tmp_path: Path) -> None:
    weights = {k: v.half() for k, v in drawn().items() if not k.endswith("num_batches_tracked")}
    backbone = kept(tmp_path, weights)
    assert backbone.state_dict()["blocks.0.0.weight"].dtype == torch.float32


def without(name: str) -> dict[str, Tensor]:
    return {k: v for k, v in drawn().items() if k != name}


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (lambda: without("blocks.2.0.weight"), r"lacks 'blocks.2.0.weight' of conv4-64"),
        (
            lambda: {"fc.weight": torch.ones(2)},
            r"lacks 'blocks.0.0.weight', 'blocks.0.1.weight', 'blocks.0.1.bias' and 17 more of",
        ),
        (
            lambda: {**drawn(), "blocks.4.0.weight": torch.ones(2)},
            "has 'blocks.4.0.weight', which conv4-64 has not",
        ),
        (
            lambda: {**drawn(), "blocks.0.0.weight": torch.ones(64, 3, 3, 3)},
            r"'blocks.0.0.weight' of shape \(64, 3, 3, 3\), and conv4-64 for images of 16x16x1",
        ),
        (
            lambda: {**drawn(), "blocks.0.1.bias": torch.ones(64, dtype=torch.int8)},
            "'blocks.0.1.bias' as torch.int8; save it as torch.float32",
        ),
    ],
)
def test_weights_that_do_not_fit_are_one_line(tmp_path: Path, weights: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        kept(tmp_path, weights())
    assert not list((tmp_path / "home").glob("weights/given-*")), "what does not fit is not kept"


def test_a_copy_that_is_gone_or_another_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is missing; give the weights anew"):
        with_given_weights(NAME, SHAPE, "0" * 64)
    kept(tmp_path, drawn())
    (copy,) = (tmp_path / "home").glob("weights/given-*/model.safetensors")
    other = kept_at("f" * 64)
    other.parent.mkdir()
    copy.rename(other)
    with pytest.raises(UsageError, match="holds other weights"):
        with_given_weights(NAME, SHAPE, "f" * 64)


def test_a_network_of_timm_takes_them_without_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timm: Any = ModuleType("timm")
    timm.list_models = lambda **_: ["conv_net.a1"]
    asked = []

    def create_model(name: str, pretrained: bool, num_classes: int) -> StandIn:
        asked.append((name, pretrained, num_classes))
        return StandIn()

    timm.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", timm)
    weights = StandIn().state_dict()
    torch.save({**weights, "fc.weight": torch.ones(3, 8)}, tmp_path / "mine.pt")
    shape = (3, 32, 32)
    digest = keep_weights(tmp_path / "mine.pt", "timm:conv_net", shape)
    backbone = with_given_weights("timm:conv_net", shape, digest)
    assert all(torch.equal(backbone.state_dict()[f"network.{k}"], weights[k]) for k in weights)
    assert asked == [("conv_net", False, 0)] * 2
