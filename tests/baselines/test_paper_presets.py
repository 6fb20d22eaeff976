"""Preset ``paper`` of the heads: schedules against torch's own, and the authors' configurations."""

from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import MultiStepLR

from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe, preset_backbone
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.optimisation import learning_rate

MINI, TIERED, CIFAR_FS, OMNIGLOT = "mini-imagenet", "tiered-imagenet", "cifar-fs", "omniglot"


def paper(name: str, data: str, n_shot: int = 1) -> Any:
    recipe_type = methods[name].recipe_type
    assert data in recipe_type.published
    return build_recipe(recipe_type, preset="paper", n_shot=n_shot, published=data)


def rates(recipe: PretrainRecipe, per_epoch: int) -> list[float]:
    """Our learning rates, one an epoch: at its last step."""
    n_steps = recipe.epochs * per_epoch
    last = range(per_epoch - 1, n_steps, per_epoch)
    return [learning_rate(recipe, step, n_steps) for step in last]


def stepped(lr: float, epochs: int, milestones: list[int]) -> list[float]:
    """What PyTorch's schedule gives, one rate an epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    schedule = MultiStepLR(optimizer, milestones, gamma=0.1)
    found = []
    for _ in range(epochs):
        found.append(float(schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("name", "data", "lr", "epochs", "milestones"),
    [
        ("simple-shot", MINI, 0.1, 90, [45, 67]),  # int(.5 · 90), int(.75 · 90)
        ("simple-shot", TIERED, 0.1, 90, [30, 60]),
        ("laplacian-shot", TIERED, 0.1, 90, [30, 60]),
        ("laplacian-shot", MINI, 0.1, 90, [45, 67]),
        ("tim", MINI, 0.1, 90, [45, 67]),
        ("tim", TIERED, 0.1, 90, [45, 67]),
        ("logistic", MINI, 0.05, 100, [60, 80]),
        ("logistic", CIFAR_FS, 0.05, 90, [45, 60, 75]),
        ("baseline", MINI, 1e-3, 400, []),
        ("pt-map", MINI, 1e-3, 400, []),
    ],
)
def test_rates_fall_where_the_releases_let_them(
    name: str, data: str, lr: float, epochs: int, milestones: list[int]
) -> None:
    ours = rates(paper(name, data).pretrain, 7)
    assert ours == pytest.approx(stepped(lr, epochs, milestones))


@pytest.mark.parametrize("data", [CIFAR_FS, MINI])
def test_sib_warms_up_before_it_counts_epochs(data: str) -> None:
    """`LrWarmUp` takes 6,000 batches; then 60 epochs follow, a milestone at 50 (main_feat.py)."""
    recipe, per_epoch = paper("ssl-meta", data).pretrain, 64 * 600 // 64
    n_steps = recipe.epochs * per_epoch
    assert n_steps == 6000 + 60 * per_epoch
    for step in (1, 3000, 5999):
        assert learning_rate(recipe, step - 1, n_steps) == pytest.approx(step / 6000 * 0.1)
    assert rates(recipe, per_epoch)[10:] == pytest.approx(stepped(0.1, 60, [50]))


@pytest.mark.parametrize(
    ("data", "drops"),
    [(CIFAR_FS, [(20, 0.1), (21, 0.01)]), (MINI, [(20, 0.1), (23, 0.01), (26, 0.001)])],
)
def test_bf3s_counts_epochs_of_1000_batches(data: str, drops: list[tuple[int, float]]) -> None:
    """`LUT_lr` of the two configurations, to half of one of our epochs, which have 600."""
    recipe = paper("bf3s", data).pretrain
    n_steps, end = recipe.epochs * 600, 1000 * drops[-1][0]
    assert abs(n_steps - end) <= 300
    for until, rate in drops:
        assert learning_rate(recipe, 1000 * until - 300, n_steps) == pytest.approx(rate)
    assert (recipe.rotation, recipe.rotation_classes, recipe.augment) == (1.0, True, "shift-flip")


def test_bf3s_of_conv_4_is_the_shared_pretraining_with_rotations() -> None:
    """So that its row and that of `NearestCosine` on the shared backbone differ in them alone."""
    own = methods["bf3s"].recipe_type().pretrain
    assert own == PretrainRecipe(rotation=1.0, rotation_classes=False)


LINEAR = {"head": "linear", "nesterov": False, "batch_size": 256, "weight_decay": 1e-4}
SMOOTH = {**LINEAR, "label_smoothing": 0.1, "augment": "natural"}
BASELINE = {"head": "linear", "optimizer": "adam", "batch_size": 16, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("name", "data", "network", "facts"),
    [
        ("simple-shot", MINI, "resnet18", {**LINEAR, "label_smoothing": 0.0}),
        ("laplacian-shot", MINI, "resnet18", SMOOTH),
        ("tim", TIERED, "resnet18", SMOOTH),
        ("alpha-tim", MINI, "resnet18", SMOOTH),
        ("paddle", MINI, "resnet18", SMOOTH),
        ("unem", MINI, "resnet18", SMOOTH),
        ("bd-cspn", MINI, "resnet18", SMOOTH),
        ("baseline", MINI, "conv4-64", BASELINE),
        ("baseline", OMNIGLOT, "conv4-64", {**BASELINE, "epochs": 5, "augment": "none"}),
        ("baseline-plus", MINI, "conv4-64", {**BASELINE, "head": "cosine", "head_scale": 2.0}),
        ("baseline-plus", OMNIGLOT, "conv4-64", {"head_scale": 10.0, "epochs": 5}),
        ("logistic", MINI, "resnet12-rfs", {"nesterov": False, "batch_size": 64}),
        ("fine-tune", "fc100", "wrn-28-10", {"decay_norms": False, "nesterov": True}),
        ("bpa", CIFAR_FS, "wrn-28-10", {"optimizer": "adam", "rotation": 1.0}),
        ("ppa", MINI, "wrn-28-10", {"nesterov": True, "epochs": 300, "weight_decay": 1e-4}),
        ("soft-k-means", MINI, "resnet12-rfs", {"epochs": 500, "batch_size": 128}),
        ("ssl-meta", CIFAR_FS, "wrn-28-10", {"head": "cosine", "nesterov": True, "epochs": 70}),
        ("bf3s", CIFAR_FS, "wrn-28-10", {"head": "cosine", "epochs": 35}),
    ],
)
def test_networks_are_trained_as_the_authors_did(
    name: str, data: str, network: str, facts: dict[str, Any]
) -> None:
    assert preset_backbone(methods[name].recipe_type, "paper", 1, data) == network
    recipe = paper(name, data).pretrain
    assert {key: getattr(recipe, key) for key in facts} == facts


@pytest.mark.parametrize(
    ("data", "n_shot", "strength"),
    [(MINI, 1, 0.7), (MINI, 5, 0.3), (TIERED, 1, 0.7), (TIERED, 5, 0.1)],
)
def test_neighbours_pull_as_was_chosen_on_val(data: str, n_shot: int, strength: float) -> None:
    assert paper("laplacian-shot", data, n_shot).strength == strength
