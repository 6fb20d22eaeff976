"""Networks of timm, tested on a stand-in for the library: it need not be installed."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewshot_bench.backbones.base import backbones
from fewshot_bench.backbones.timm_networks import TimmBackbone, TimmFactory
from fewshot_bench.cli import main
from fewshot_bench.errors import UsageError
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.runner import prepare
from fewshot_bench.utilities import optional
from tests.synthetic import make_dataset

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)


class StandIn(nn.Module):
    """What our code uses of a network of timm; `head_dim` makes its head more than a pooling."""

    def __init__(self, tokens: bool = False, head_dim: int | None = None) -> None:
        super().__init__()
        self.tokens, self.num_features = tokens, 8
        self.pretrained_cfg = {"input_size": (3, 24, 24), "mean": MEAN, "std": STD, "tag": "a1"}
        self.conv, self.norm = nn.Conv2d(3, 8, 8, stride=8), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, head_dim) if head_dim else nn.Identity()
        self.seen = torch.empty(0)

    def forward_features(self, images: Tensor) -> Tensor:
        self.seen = images
        maps: Tensor = self.norm(self.conv(images))
        return maps.flatten(2).mT if self.tokens else maps

    def forward_head(self, maps: Tensor) -> Tensor:
        features: Tensor = self.head(maps[:, 0] if self.tokens else maps.mean((2, 3)))
        return features

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("timm")
    module.__version__ = "1.0"
    module.calls = []

    def list_models(pretrained: bool) -> list[str]:
        return ["conv_net.a1", "conv_net.b_2", "vit_tiny.a1"]

    def create_model(name: str, pretrained: bool, num_classes: int) -> nn.Module:
        module.calls.append((name, pretrained, num_classes))
        return StandIn(tokens=name.startswith("vit"))

    module.list_models, module.create_model = list_models, create_model
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


def build(name: str, *in_shape: int) -> TimmBackbone:
    channels, height, width = in_shape
    backbone = backbones[f"timm:{name}"]((channels, height, width))
    assert isinstance(backbone, TimmBackbone)
    return backbone.eval()


def test_a_name_of_timm_keeps_its_spelling(timm: Any) -> None:
    assert backbones.resolve(" TIMM:conv_net.b_2") == "timm:conv_net.b_2"
    assert "timm:conv_net" in backbones
    assert "timm" not in backbones
    for name in ("conv_net", "conv_net.b_2"):
        assert backbones[f"timm:{name}"] == TimmFactory(name)
        build(name, 3, 32, 32)
    assert timm.calls == [("conv_net", True, 0), ("conv_net.b_2", True, 0)]


@pytest.mark.parametrize("in_shape", [(3, 32, 32), (1, 16, 20), (3, 24, 24)])
def test_images_are_resized_to_what_the_network_takes(
    timm: Any, in_shape: tuple[int, int, int]
) -> None:
    backbone = build("conv_net", *in_shape)
    images = torch.rand(2, *in_shape)
    features, maps = backbone(images), backbone.feature_map(images)
    assert backbone.map_shape == (8, 3, 3) == maps.shape[1:]
    assert features.shape == (2, backbone.out_dim) == (2, 8)
    torch.testing.assert_close(features, backbone.features_of(maps))
    seen = backbone.network.seen
    assert seen.shape == (2, 3, 24, 24)
    torch.testing.assert_close(
        seen.mean((2, 3)), images.mean((2, 3)).expand(2, 3), atol=0.05, rtol=0
    )
    assert in_shape != (3, 24, 24) or torch.equal(seen, images)


def test_stripes_too_fine_for_the_network_become_grey(timm: Any) -> None:
    backbone = build("conv_net", 1, 72, 72)
    backbone((torch.arange(72) % 2.0).expand(2, 1, 72, 72))
    inner = backbone.network.seen[..., 2:-2]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5), atol=0.05, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_normalised_as_the_network_was_trained(timm: Any, channels: int) -> None:
    backbone = build("conv_net", channels, 24, 24)
    before = backbone.weights_key
    pixels = torch.rand(2, channels, 24, 24)
    mean, std = [0.2, 0.3, 0.6][:channels], [0.5, 0.3, 0.2][:channels]
    backbone.set_normalisation(mean, std)
    ours, theirs = (torch.tensor(v).view(2, -1, 1, 1) for v in ((mean, std), (MEAN, STD)))
    backbone((pixels - ours[0]) / ours[1])
    torch.testing.assert_close(backbone.network.seen, (pixels - theirs[0]) / theirs[1])
    assert backbone.weights_key != before, "stored features of other images would be reused"
    assert set(backbone.state_dict()) == {f"network.{k}" for k in StandIn().state_dict()}


def test_a_network_of_tokens_has_no_maps(timm: Any) -> None:
    backbone = build("vit_tiny", 3, 32, 32)
    assert backbone.map_shape is None
    assert backbone(torch.rand(2, 3, 32, 32)).shape == (2, backbone.out_dim) == (2, 8)
    with pytest.raises(TypeError, match="no feature maps"):
        backbone.feature_map(torch.rand(2, 3, 32, 32))


def test_a_head_may_change_the_length() -> None:
    backbone = TimmBackbone(StandIn(head_dim=20), (3, 24, 24))
    assert backbone.map_shape == (8, 3, 3)
    assert backbone(torch.rand(2, 3, 24, 24)).shape == (2, backbone.out_dim) == (2, 20)


def test_looking_at_a_network_does_not_train_it() -> None:
    network = StandIn()
    TimmBackbone(network, (3, 24, 24))
    assert network.training
    assert int(network.norm.num_batches_tracked or 0) == 0


def test_other_channels_are_refused(timm: Any) -> None:
    with pytest.raises(UsageError, match="grey or RGB images, not 4 channels"):
        build("conv_net", 4, 24, 24)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("conv_nett", "did you mean 'timm:conv_net'"),
        ("conv_net.a9", "did you mean 'timm:conv_net.a1'"),
        ("qqq", "list_models"),
        ("", "list_models"),
    ],
)
def test_an_unknown_network_suggests_the_nearest(timm: Any, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"timm has no pretrained network '{name}'; .*{says}"):
        make_config("proto-net", f"timm:{name}", make_dataset())


def test_without_timm_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"pip install 'fewshot-bench\[timm\]'"):
        make_config("proto-net", "timm:resnet50", make_dataset())
    with pytest.raises(SystemExit):
        main(["list", "backbones"])
    assert "timm:NAME\t\tAny network of timm" in capfd.readouterr().out


def test_weights_that_cannot_be_had_are_one_line(
    timm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_model(*_: Any, **__: Any) -> nn.Module:
        raise FileNotFoundError("no connection\nmore of that")

    monkeypatch.setattr(timm, "create_model", create_model)
    with pytest.raises(UsageError, match=r"neither cached nor downloadable \(no connection\)$"):
        build("conv_net", 3, 32, 32)


def test_a_pretrained_backbone_is_not_pretrained(timm: Any) -> None:
    def recipe(backbone: str, settings: Sequence[str] = (), preset: str = "default") -> Any:
        images = make_dataset()
        return make_config("ssl-meta", backbone, images, preset=preset, settings=settings).recipe

    assert recipe("conv4-64")["pretrain"] is not None
    for preset in ("smoke", "default", "paper"):
        ours = recipe("timm:conv_net", preset=preset)
        assert ours["pretrain"] is None
        assert ours["train"] == recipe("conv4-64", preset=preset)["train"]
    with pytest.raises(UsageError, match="timm:conv_net comes pretrained"):
        recipe("timm:conv_net", ["pretrain.epochs=3"])


@pytest.mark.usefixtures("empty_home")
def test_a_run_uses_the_weights_as_they_are(timm: Any) -> None:
    config = make_config(
        "ssl-meta",
        "timm:conv_net",
        make_dataset(),
        settings=["train.steps=2", "train.val_every=2", "train.val_episodes=5"],
    )
    trained = prepare(config, make_dataset(), torch.device("cpu"))
    torch.manual_seed(config.seed)  # what the stand-in's weights were drawn with
    expected = StandIn().state_dict()
    backbone = trained.method.backbone
    for name, weight in backbone.state_dict().items():
        assert torch.equal(weight, expected[name.removeprefix("network.")]), name
    assert backbone.weights_key is not None


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is not None, reason="torchvision is really there"
)
def test_a_torchvision_without_operators_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in does what `import torchvision` does, and fails as it does."""
    (tmp_path / "timm.py").write_text(
        "import torch\n"
        "for name in ('nms', 'qnms'):\n"
        "    torch.library.register_fake(f'torchvision::{name}', lambda *_: None)\n"
        "def list_models(pretrained): return ['conv_net.a1']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.setattr(optional, "_declared", [])
    with pytest.raises(RuntimeError, match="torchvision::nms does not exist"):
        importlib.import_module("timm")
    try:
        assert backbones["timm:conv_net"] == TimmFactory("conv_net")
    finally:
        sys.modules.pop("timm", None)
