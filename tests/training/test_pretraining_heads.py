"""What a backbone is pretrained with."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.pretraining_heads import (
    CosineClassifier,
    PretrainingNet,
    all_rotations,
)


def net(width: int = 16, **settings: object) -> PretrainingNet:
    torch.manual_seed(0)
    backbone = Conv4((1, 16, width), (4, 4, 4))
    return PretrainingNet(backbone, 6, PretrainRecipe.model_validate(settings)).double()


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(5, 1, 16, 16, generator=generator, dtype=torch.float64)
    return images, torch.tensor([0, 5, 2, 2, 1])


def test_the_cosine_head_gives_scaled_cosines() -> None:
    head = CosineClassifier(7, 3, 10.0)
    features = torch.randn(4, 7)
    expected = F.cosine_similarity(features[:, None], head.weight[None], dim=-1)
    torch.testing.assert_close(head(features), 10 * expected)
    torch.testing.assert_close(head(3 * features), head(features))


def test_a_turn_is_a_quarter_turn() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    turned = all_rotations(image)
    assert turned[1, 0].tolist() == [[2, 5, 8], [1, 4, 7], [0, 3, 6]]
    torch.testing.assert_close(turned[2], image[0].flip(1, 2))
    torch.testing.assert_close(all_rotations(turned[3:])[1], image[0])


def test_rotations_teach_all_copies_their_class_and_their_turn() -> None:
    model, (images, labels) = net(rotation=0.5, label_smoothing=0.1).eval(), batch()
    expected = torch.zeros((), dtype=torch.float64)
    for turn in range(4):
        maps = model.backbone.feature_map(torch.rot90(images, turn, (2, 3)))
        classes = F.log_softmax(model.classifier(maps.flatten(1)), 1)
        smooth = 0.9 * F.one_hot(labels, 6) + 0.1 / 6
        turns = F.log_softmax(model.rotation(maps), 1)
        expected = expected - (smooth * classes).sum(1).mean() / 4 - 0.5 * turns[:, turn].mean() / 4
    torch.testing.assert_close(model.loss(images, labels), expected)


def test_the_originals_alone_may_teach_the_classes() -> None:
    """BF3S without "RotAug": of the four copies, the first are the originals."""
    model, (images, labels) = net(rotation=0.5, rotation_classes=False).eval(), batch()
    expected = F.cross_entropy(model.classifier(model.backbone(images)), labels)
    for turn in range(4):
        maps = model.backbone.feature_map(torch.rot90(images, turn, (2, 3)))
        turns = F.log_softmax(model.rotation(maps), 1)
        expected = expected - 0.5 * turns[:, turn].mean() / 4
    torch.testing.assert_close(model.loss(images, labels), expected)
    assert "rotation_classes" not in PretrainRecipe(rotation=1.0).model_dump()  # keys stay


@pytest.mark.parametrize(
    "settings",
    [{}, {"head": "linear"}, {"rotation": 1.0}, {"rotation": 1.0, "rotation_classes": False}],
)
def test_every_weight_learns(settings: dict[str, object]) -> None:
    model = net(16, **settings).train()
    torch.autograd.backward(model.loss(*batch()))
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_the_head_is_the_one_that_is_asked_for() -> None:
    cosine, linear = net(head_scale=3.0).classifier, net(head="linear").classifier
    assert isinstance(cosine, CosineClassifier)
    assert (cosine.weight.shape, cosine.scale.item()) == ((6, 16), 3.0)
    assert isinstance(linear, nn.Linear)
    assert (linear.in_features, linear.out_features) == (16, 6)
    branch = net(rotation=1.0).rotation
    assert branch[0](torch.zeros(1, 4, 5, 5, dtype=torch.float64)).shape == (1, 4, 5, 5)
    assert branch[0].bias is None
    assert not hasattr(net(), "rotation")


def test_rotations_need_maps_and_square_images() -> None:
    class Vector(Backbone):
        in_shape, map_shape, out_dim = (1, 16, 16), None, 3

    with pytest.raises(UsageError, match=r"pretrain\.rotation=0"):
        PretrainingNet(Vector(), 6, PretrainRecipe(rotation=1.0))
    with pytest.raises(UsageError, match="square images"):
        net(32, rotation=1.0)


def test_mixed_precision_learns_nearly_the_same() -> None:
    model, (images, labels) = net().float(), batch()
    full = model.loss(images.float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.loss(images.float(), labels)
    assert mixed != full
    torch.testing.assert_close(mixed, full, rtol=0.05, atol=0.05)
