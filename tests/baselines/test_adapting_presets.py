"""Preset paper of methods that learn to adapt, against what their authors' code does."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from fewshot_bench.backbones.base import backbones
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe, preset_backbone
from fewshot_bench.training.optimisation import learning_rate

MINI, TIERED, CIFAR, FC100 = "mini-imagenet", "tiered-imagenet", "cifar-fs", "fc100"

# openai/supervised-reptile, README: commands for 5 ways without --transductive.
REPTILE = {
    (MINI, 5): "--inner-batch 10 --inner-iters 8 --meta-step 1 --meta-batch 5 --meta-iters 100000 "
    "--eval-batch 15 --eval-iters 50 --learning-rate 0.001 --train-shots 15",
    (MINI, 1): "--inner-batch 10 --inner-iters 8 --meta-step 1 --meta-batch 5 --meta-iters 100000 "
    "--eval-batch 5 --eval-iters 50 --learning-rate 0.001 --train-shots 15",
    ("omniglot", 5): "--train-shots 10 --inner-batch 10 --inner-iters 5 --learning-rate 0.001 "
    "--meta-step 1 --meta-batch 5 --meta-iters 100000 --eval-batch 5 --eval-iters 50",
    ("omniglot", 1): "--inner-batch 10 --inner-iters 5 --meta-step 1 --meta-batch 5 --meta-iters "
    "100000 --eval-batch 5 --eval-iters 50 --learning-rate 0.001 --train-shots 10",
}


def paper(method: str, dataset: str, n_shot: int) -> dict[str, Any]:
    """Values of the preset by dotted key, and the backbone."""
    kind = methods[method].recipe_type
    where: dict[str, Any] = {"n_shot": n_shot, "published": dataset}
    values = build_recipe(kind, preset="paper", **where).model_dump()
    for section in ("pretrain", "train"):
        values |= {f"{section}.{k}": v for k, v in (values.pop(section) or {}).items()}
    return values | {"backbone": preset_backbone(kind, "paper", n_shot, dataset)}


def assert_has(values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {key: values.get(key) for key in expected} == expected


@pytest.mark.parametrize(("dataset", "n_shot"), REPTILE)
def test_reptile_has_the_numbers_of_its_readme(dataset: str, n_shot: int) -> None:
    words = REPTILE[dataset, n_shot].split()
    given = {k: float(v) for k, v in zip(words[::2], words[1::2], strict=True)}
    values = paper("reptile", dataset, n_shot)
    assert values["inner_batch"] == given["--inner-batch"]
    assert values["inner_steps"] == given["--inner-iters"]
    assert values["test_steps"] == given["--eval-iters"]
    assert min(5 * n_shot, values["test_batch"] or 25) == given["--eval-batch"]
    assert values["inner_lr"] == given["--learning-rate"]
    assert values["train.lr"] == given["--meta-step"]
    assert values["train.tasks_per_step"] == given["--meta-batch"]
    assert values["train.steps"] == given["--meta-iters"]
    assert n_shot + values["train.n_query"] == given["--train-shots"]
    assert values["transductive"] is False


@pytest.mark.parametrize("n_shot", [1, 5])
@pytest.mark.parametrize(("dataset", "n_query"), [(MINI, 15), ("omniglot", None)])
def test_maml_moves_as_far_as_the_release_on_its_loss(
    dataset: str, n_query: int | None, n_shot: int
) -> None:
    """There a loss is the sum over images divided by the shots, here their mean."""
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels, values = torch.arange(5), paper("maml", dataset, n_shot)
    per_class = F.cross_entropy(logits, labels, reduction="sum")  # of an image of each class

    theirs, ours = n_shot * per_class / n_shot, per_class / 5
    inner_lr = 0.01 if dataset == MINI else 0.4
    assert float(values["inner_lr"] * ours) == pytest.approx(float(inner_lr * theirs))

    assert values["train.n_query"] == (n_query or n_shot)
    theirs = values["train.n_query"] * per_class / n_shot
    bound = values["train.clip_value"]
    if dataset == MINI:  # as far below its bound, 10, as there
        assert float(ours / bound) == pytest.approx(float(theirs / 10))
    else:
        assert bound is None


def test_its_kin_train_as_maml_does() -> None:
    for dataset in (MINI, "omniglot"):
        for n_shot in (1, 5):
            ours = paper("maml", dataset, n_shot)
            trained = {k: v for k, v in ours.items() if k.startswith("train.") and "val" not in k}
            trained["train.clip_value"] = ours["train.clip_value"]
            assert_has(paper("anil", dataset, n_shot), {**trained, "inner_lr": ours["inner_lr"]})
            assert_has(
                paper("meta-sgd", dataset, n_shot), {**trained, "backbone": ours["backbone"]}
            )


@pytest.mark.parametrize(
    ("dataset", "n_shot", "eps"), [(MINI, 15, 0.1), (TIERED, 10, 0), (CIFAR, 5, 0), (FC100, 15, 0)]
)
@pytest.mark.parametrize("head", ["svm", "rr"])
def test_metaoptnet_has_the_shots_and_labels_of_its_commands(
    head: str, dataset: str, n_shot: int, eps: float
) -> None:
    for tested in (1, 5):
        expected = {"train.n_shot": n_shot, "label_smoothing": eps, "backbone": "resnet12-metaopt"}
        assert_has(paper(f"metaoptnet-{head}", dataset, tested), expected)


def test_metaoptnet_lowers_its_rate_as_train_py_does() -> None:
    """Whose epochs count from 1, 1,000 steps each."""
    recipe = build_recipe(methods["metaoptnet-svm"].recipe_type, preset="paper").train
    assert recipe is not None
    for epoch in range(1, 61):
        factor = 1.0 if epoch < 20 else 0.06 if epoch < 40 else 0.012 if epoch < 50 else 0.0024
        for step in (1000 * epoch - 1000, 1000 * epoch - 1):
            rate = learning_rate(recipe, step, recipe.steps)
            assert rate == pytest.approx(0.1 * factor, rel=0.005), epoch


@pytest.mark.parametrize("name", ["r2d2", "lr-d2"])
def test_r2d2_halves_its_rate_every_20_epochs(name: str) -> None:
    """Of 100 episodes; the release steps its schedule before the first of them."""
    recipe = build_recipe(methods[name].recipe_type, preset="paper").train
    assert recipe is not None
    for step in (0, 1899, 1900, 3899, 3900, 20_000, 39_999):
        epoch = 1 + step // 100
        rate = learning_rate(recipe, step, recipe.steps)
        assert rate == pytest.approx(5e-3 * 0.5 ** (epoch // 20))


@pytest.mark.parametrize(
    ("name", "dataset", "way", "batch"),
    [
        ("r2d2", MINI, 16, 240),
        ("r2d2", CIFAR, 20, 240),
        ("r2d2", "omniglot", 60, 600),
        ("lr-d2", MINI, 10, 200),
        ("lr-d2", CIFAR, 10, 200),
    ],
)
def test_r2d2_has_the_ways_of_its_commands_and_fills_their_batches(
    name: str, dataset: str, way: int, batch: int
) -> None:
    values = paper(name, dataset, 1)
    shots = (values["train.min_shot"] + values["train.n_shot"]) / 2
    assert values["train.n_way"] == way
    assert way * (shots + values["train.n_query"]) == batch
    assert values["head"] == {"r2d2": "ridge", "lr-d2": "logistic"}[name]
    if name == "r2d2":
        assert values["scale"] == (1e-4 if dataset == MINI else 10.0)


def test_tensorflow_clips_each_tensor_and_has_plain_momentum() -> None:
    for dataset, steps, falls in (
        (MINI, 30_000, (15_000, 17_500, 20_000)),
        (FC100, 10_000, (5_000, 7_500, 10_000)),
    ):
        tadam = paper("tadam", dataset, 1)
        fixed = {"train.clip_norm": 1.0, "train.clip_norm_of": "tensors", "train.nesterov": False}
        assert_has(tadam, {**fixed, "train.decay_norms": False, "train.steps": steps})
        assert [round(m * steps) for m in tadam["train.milestones"]] == list(falls)
    clips = {"train.clip_value": 0.1, "train.clip_norm": 0.1, "train.clip_norm_of": "tensors"}
    for dataset, n_shot, kl in (
        (MINI, 1, 0.756143),
        (MINI, 5, 0.466387),
        (TIERED, 1, 2.034189e-3),
        (TIERED, 5, 1.622811),
    ):
        assert_has(paper("leo", dataset, n_shot), {**clips, "kl_weight": kl})
    assert (
        build_recipe(methods["leo"].recipe_type).model_dump()["train"]["clip_norm_of"] == "tensors"
    )


def test_meta_baseline_and_feat_train_as_their_files_say() -> None:
    plain = {"pretrain.head": "linear", "pretrain.nesterov": False, "train.nesterov": False}
    for dataset, epochs, batch, steps, falls in (
        (MINI, 100, 128, 20 * 200, [90]),
        (TIERED, 120, 512, 20 * 10, [40, 80]),
    ):
        values = paper("meta-baseline", dataset, 1)
        sizes = {"pretrain.epochs": epochs, "pretrain.batch_size": batch, "train.steps": steps}
        assert_has(values, {**plain, **sizes, "train.lr": 1e-3, "train.n_query": 15})
        assert [round(m * epochs) for m in values["pretrain.milestones"]] == falls
    for dataset, n_shot, optimizer, lr, step_size, balance, t, t2 in (
        (MINI, 1, "adam", 1e-4, 20, 1.0, 64, 16),
        (MINI, 5, "adam", 1e-4, 20, 0.1, 32, 64),
        (TIERED, 1, "sgd", 2e-4, 20, 0.1, 64, 64),
        (TIERED, 5, "sgd", 2e-4, 40, 0.1, 32, 64),
    ):
        values = paper("feat", dataset, n_shot)
        temperatures = {"temperature": t, "contrast_temperature": t2, "balance": balance}
        assert_has(values, {**temperatures, "train.optimizer": optimizer})
        assert values["train.lr"] * values["train.backbone_lr"] == pytest.approx(lr)
        assert values["train.milestones"] == tuple(
            k * step_size / 200 for k in range(1, 200 // step_size)
        )


@pytest.mark.parametrize(
    "name",
    [
        *("maml", "anil", "meta-sgd", "reptile", "leo", "tadam", "metaoptnet-svm"),
        *("metaoptnet-rr", "r2d2", "lr-d2", "meta-baseline", "feat"),
    ],
)
def test_every_network_that_a_preset_names_takes_the_images(name: str) -> None:
    shapes = {"omniglot": (1, 28, 28), CIFAR: (3, 32, 32), FC100: (3, 32, 32)}
    kind = methods[name].recipe_type
    assert kind.published
    for dataset in kind.published:
        network = preset_backbone(kind, "paper", 1, dataset)
        assert network is not None
        with torch.device("meta"):
            assert math.isfinite(backbones[network](shapes.get(dataset, (3, 84, 84))).out_dim)
