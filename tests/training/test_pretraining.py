"""Pretraining: its batches, what judges it, its key, and what it leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_bench.backbones.base import use_batch_statistics
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training import pretraining
from fewshot_bench.training.pretraining import (
    PrototypeValidation,
    build_backbone,
    pretrain,
    validation_spec,
)
from fewshot_bench.training.pretraining_heads import PretrainingNet
from fewshot_bench.utilities.files import stable_hash
from tests.synthetic import make_dataset, make_split

CPU = torch.device("cpu")
RECIPE = PretrainRecipe(epochs=1, val_episodes=4, augment="none", batch_size=64)


def batches(seed: int = 0, **settings: object) -> pretraining._Batches:
    split = make_split(4, 5, size=4)
    recipe = RECIPE.model_copy(update={"batch_size": 6, **settings})
    return pretraining._Batches(split, recipe, seed, CPU)


def seen(made: pretraining._Batches, epoch: int) -> list[bytes]:
    """The images of an epoch."""
    steps = range(epoch * made.per_epoch, (epoch + 1) * made.per_epoch)
    return [image.numpy().tobytes() for step in steps for image in made[step][0]]


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own() -> None:
    made = batches()
    assert (made.size, made.per_epoch) == (6, 3)
    first, second = seen(made, 0), seen(made, 1)
    assert len(set(first)) == len(first) == 18  # two of twenty are left over
    assert first != second
    assert seen(made, 0) == first == seen(batches(), 0)
    assert seen(batches(seed=1), 0) != first
    assert batches(batch_size=99).per_epoch == 1


def test_images_of_a_batch_are_normalised_and_have_their_labels() -> None:
    made = batches()
    split = made.split
    for step in range(3):
        images, labels = made[step]
        assert images.shape == (6, 1, 4, 4)
        for image, label in zip(images, labels.tolist(), strict=True):
            pixels = split.images[split.labels == label, ..., 0] / 255
            apart = np.abs((pixels - 0.5) / 0.3 - image[0].numpy()).max((1, 2))
            assert apart.min() < 1e-5
    assert not torch.equal(batches(augment="shift")[0][0], made[0][0])


@pytest.mark.parametrize(
    ("n_classes", "per_class", "shape"),
    [
        (8, 30, (5, 1, 15)),
        (4, 30, (4, 1, 15)),
        (8, 16, (5, 1, 15)),
        (8, [15] + [30] * 7, (5, 1, 14)),
    ],
)
def test_validation_is_five_way_one_shot_or_less(
    n_classes: int, per_class: int | list[int], shape: tuple[int, int, int]
) -> None:
    spec = validation_spec(make_split(n_classes, per_class))
    assert (spec.n_way, spec.n_shot, spec.n_query) == shape


def test_a_backbone_is_judged_by_its_prototypes_on_so_many_episodes() -> None:
    backbone = Conv4((1, 16, 16), (4, 4, 4))
    easy = PrototypeValidation(backbone, make_split(split="val", noise=0.0), 3)
    assert easy() == 1.0
    hard = PrototypeValidation(backbone, make_split(split="val", noise=1.5), 3)
    assert hard() == hard() < 0.9
    assert (hard() * 3 * 75) % 1 == pytest.approx(0, abs=1e-6)
    assert PrototypeValidation(backbone, hard.source.split, 9)() != hard()


def test_a_backbone_is_told_how_its_images_are_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(Conv4, "set_normalisation", lambda _, *facts: told.append(facts))
    given = build_backbone("conv4-64", make_split(size=16), CPU)
    assert isinstance(given, Conv4)
    assert given.in_shape == (1, 16, 16)
    assert given.weights_key is None
    assert told == [((0.5,), (0.3,))]
    assert build_backbone("x", GivenSplit.of(np.ones((4, 7)), [0, 0, 1, 1]), CPU).out_dim == 7
    with pytest.raises(TypeError, match="no backbone takes rows of object"):
        build_backbone("conv4-64", object(), CPU)  # type: ignore[arg-type]


def test_given_weights_are_known_by_their_digest_and_by_how_images_are_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def given(name: str, shape: tuple[int, int, int], weights: str) -> Conv4:
        asked.append((name, shape, weights))
        return Conv4(shape, (4, 4, 4))

    monkeypatch.setattr(pretraining, "with_given_weights", given)
    split = make_split(size=16)
    splits = [split, split, replace(split, mean=(0.1,)), replace(split, std=(0.1,))]
    keys = [build_backbone("conv4-64", one, CPU, "abc").weights_key for one in splits]
    keys.append(build_backbone("conv4-64", split, CPU, "def").weights_key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
    assert keys[0] == stable_hash({"given": "abc", "mean": [0.5], "std": [0.3]})
    assert asked[0] == ("conv4-64", (1, 16, 16), "abc")


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_mixed_only_if_asked(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed: list[bool] = []

    def loss(net: PretrainingNet, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        mixed.append(torch.is_autocast_enabled("cpu"))
        assert net.training
        return torch.zeros((), requires_grad=True)

    monkeypatch.setattr(PretrainingNet, "loss", loss)
    recipe = RECIPE.model_copy(update={"precision": precision, "batch_size": 240})
    dataset = make_dataset()
    pretraining._train(pretraining.pretraining(dataset, "conv4-64", recipe, 0), dataset, CPU)
    assert mixed == [precision == "bfloat16"]


@pytest.mark.usefixtures("empty_home")
def test_validations_are_as_many_epochs_apart_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(net: PretrainingNet, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.zeros((), requires_grad=True)

    monkeypatch.setattr(PretrainingNet, "loss", loss)
    recipe = RECIPE.model_copy(update={"epochs": 3, "val_every": 2, "batch_size": 240})
    dataset = make_dataset()
    stored = pretraining.pretraining(dataset, "conv4-64", recipe, 0)
    pretraining._train(stored, dataset, CPU)
    curves = stored.load()[1]["curves"]
    assert [step for name, step, _ in curves if name == "pretrain_val_acc"] == [0, 2, 3]


def test_a_pretraining_is_keyed_by_all_that_makes_it() -> None:
    dataset, longer = make_dataset(), PretrainRecipe(epochs=2)
    made = [
        pretraining.pretraining(dataset, "conv4-64", RECIPE, 0),
        pretraining.pretraining(dataset, "conv4-128", RECIPE, 0),
        pretraining.pretraining(dataset, "conv4-64", longer, 0),
        pretraining.pretraining(dataset, "conv4-64", RECIPE, 1),
        pretraining.pretraining(make_dataset(seed=1), "conv4-64", RECIPE, 0),
        pretraining.pretraining(make_dataset(name="other"), "conv4-64", RECIPE, 0),
    ]
    assert len({stored.key for stored in made}) == len(made)
    assert made[0].folder.name == f"backbone-{made[0].key}"
    assert made[0].facts == {
        "kind": "backbone",
        "version": pretraining.ALGORITHM_VERSION,
        "dataset": "synthetic",
        "data_checksum": "synthetic-0",
        "backbone": "conv4-64",
        "recipe": RECIPE.model_dump(mode="json"),
        "seed": 0,
    }
    assert made[0].source
    assert made[0].source != "conv4-64"
    assert not made[0].renew
    assert pretraining.pretraining(dataset, "conv4-64", RECIPE, 0, renew=True).renew


@pytest.mark.usefixtures("empty_home")
def test_weights_are_made_once_and_loaded_into_any_backbone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = make_dataset()
    stored = pretraining.pretraining(dataset, "conv4-64", RECIPE, 0)
    first, second = (build_backbone("conv4-64", dataset["train"], CPU) for _ in range(2))
    facts = pretrain(stored, first, dataset, CPU)
    assert {step for _, step, _ in facts["curves"]} == {0, 3}  # 240 images in batches of 64
    assert [name for name, _, _ in facts["curves"]] == [
        *("pretrain_val_acc", "pretrain_loss", "pretrain_val_acc")
    ]
    monkeypatch.setattr(pretraining, "_train", None)
    assert pretrain(stored, second, dataset, CPU) == facts
    assert first.weights_key == second.weights_key == f"{stored.key}-{stored.source}"
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    bare = build_backbone("conv4-64", dataset["train"], CPU)
    use_batch_statistics(bare)
    pretrain(stored, bare, dataset, CPU)  # takes no statistics
    for name, tensor in bare.state_dict().items():
        assert torch.equal(tensor, first.state_dict()[name]), name
