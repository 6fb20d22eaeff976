"""Preset paper of the methods that compare: rates, lengths and episodes of their authors."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe, preset_backbone
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.training.optimisation import learning_rate


@dataclass(frozen=True)
class Published:
    """What an authors' command does: rates at steps counted from 0, and settings of training."""

    name: str
    dataset: str
    shots: int
    backbone: str
    steps: int
    rates: dict[int, float]
    train: dict[str, Any] = field(default_factory=dict)


MINI, TIERED, OMNIGLOT = "mini-imagenet", "tiered-imagenet", "omniglot"
RUNS = [
    Published("tpn", MINI, 1, "conv4-64", 81_500, {9_999: 1e-3, 10_000: 5e-4, 81_499: 1e-3 / 256}),
    Published("tpn", MINI, 5, "conv4-64", 50_100, {19_999: 5e-4, 50_099: 1e-3 / 32}),
    Published("tpn", TIERED, 1, "conv4-64", 210_000, {24_999: 1e-3, 25_000: 5e-4}),
    Published("relation-net", MINI, 1, "conv4-relation", 500_000, {100_000: 5e-4}, {"n_query": 15}),
    Published("relation-net", MINI, 5, "conv4-relation", 500_000, {99_999: 1e-3}, {"n_query": 10}),
    Published(
        "relation-net",
        OMNIGLOT,
        1,
        "conv4-relation",
        1_000_000,
        {900_000: 1e-3 / 512},
        {"n_query": 19, "clip_norm": 0.5, "clip_norm_of": "modules"},
    ),
    Published("relation-net", OMNIGLOT, 5, "conv4-relation", 1_000_000, {}, {"n_query": 15}),
    Published(
        "matching-net",
        MINI,
        5,
        "conv4-64-dropout",
        75_000,
        {0: 1e-4, 74_999: 1e-4},
        {"n_query": 15, "clip_norm": 0.25, "clip_norm_of": "heads", "n_way": None},
    ),
    Published("gnn", MINI, 1, "conv4-gnn", 80_000, {14_999: 1e-3, 15_000: 5e-4, 75_000: 1e-3 / 32}),
    Published("gnn", MINI, 5, "conv4-gnn", 90_000, {75_000: 1e-3 / 32}, {"tasks_per_step": 8}),
    Published(
        "gnn",
        OMNIGLOT,
        1,
        "conv4-gnn-omniglot",
        100_000,
        {10_000: 5e-4, 99_999: 1e-3 / 512},
        {"tasks_per_step": 60, "weight_decay": 0.0},
    ),
    Published("gnn", OMNIGLOT, 5, "conv4-gnn-omniglot", 80_000, {}, {"tasks_per_step": 20}),
    Published("proto-net", MINI, 1, "conv4-64", 20_000, {2_000: 5e-4}, {"n_way": 30}),
    Published(
        "proto-net", MINI, 5, "conv4-64", 20_000, {1_999: 1e-3}, {"n_way": 20, "n_query": 15}
    ),
    Published("proto-net", OMNIGLOT, 1, "conv4-64", 20_000, {}, {"n_way": 60, "n_query": 5}),
    Published("snail", MINI, 5, "resnet12-snail", 1_000_000, {0: 1e-4}, {"tasks_per_step": 32}),
    Published("snail", OMNIGLOT, 1, "conv4-64", 1_000_000, {999_999: 1e-4}),
    Published(
        "ctm",
        MINI,
        1,
        "conv4-relation",
        85_200,
        {42_600: 5e-4, 63_900: 2.5e-4, 74_550: 1.25e-4},
        {"n_query": 8, "clip_norm": 0.5, "weight_decay": 5e-4},
    ),
    Published("ctm", TIERED, 1, "conv4-relation", 616_880, {308_440: 5e-4}, {"n_query": 15}),
    Published("can", MINI, 5, "resnet12-can", 27_000, {17_999: 0.1, 26_999: 0.00024}),
    Published("can", TIERED, 1, "resnet12-can", 279_600, {69_900: 0.01, 209_700: 0.0001}),
]


def training(run: Published) -> TrainRecipe:
    kind = methods[run.name].recipe_type
    recipe = build_recipe(kind, preset="paper", n_shot=run.shots, published=run.dataset)
    assert recipe.pretrain is None
    assert recipe.train is not None
    return recipe.train


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.name}-{run.dataset}-{run.shots}")
def test_trains_as_the_authors_do(run: Published) -> None:
    train = training(run)
    assert (train.steps, train.frozen) == (run.steps, False)
    for step, rate in run.rates.items():
        assert learning_rate(train, step, train.steps) == pytest.approx(rate, rel=2e-2)
    assert {key: getattr(train, key) for key in run.train} == run.train
    kind = methods[run.name].recipe_type
    assert preset_backbone(kind, "paper", run.shots, run.dataset) == run.backbone
    assert run.dataset in kind.published


@pytest.mark.parametrize(
    ("name", "kind"),
    sorted({(run.name, "28x28x1" if run.dataset == OMNIGLOT else "32x32x3") for run in RUNS}),
)
def test_learns_on_the_network_that_its_paper_names(name: str, kind: str) -> None:
    """On images of Omniglot's size, or smaller ones than mini-ImageNet's: gradients reach all."""
    dataset, shape = (OMNIGLOT, (1, 28, 28)) if kind == "28x28x1" else (MINI, (3, 32, 32))
    cls = methods[name]
    recipe = build_recipe(cls.recipe_type, preset="paper", published=dataset)
    network = preset_backbone(cls.recipe_type, "paper", 1, dataset)
    assert network is not None
    torch.manual_seed(0)
    method = cls(backbones[network](shape), recipe, 5).train()
    labels = torch.arange(5).expand(2, 5)
    if method.uses_base:
        method.see_base(torch.zeros(1, method.embedding_dim), torch.arange(7))
    images = torch.randn(2, 2, 5, *shape)
    episode = Episode(images[0], labels, images[1], 5, classes=labels)
    torch.autograd.backward(method.loss(episode, labels))
    for key, weight in method.named_parameters():
        assert weight.grad is not None, key
        assert torch.isfinite(weight.grad).all(), key


@pytest.mark.parametrize(
    ("name", "parts"),
    [("matching-net", {"of_support", "of_query"}), ("relation-net", {"relation"})],
)
def test_what_its_release_clips_by_itself_is_a_module_of_its_own(
    name: str, parts: set[str]
) -> None:
    """FCE-embedding.lua clips either LSTM; RelationNet's scripts its encoder and its module."""
    cls = methods[name]
    recipe = build_recipe(cls.recipe_type, preset="paper", published=MINI)
    method = cls(backbones["conv4-relation"]((3, 32, 32)), recipe, 5)
    assert dict(method.named_children()).keys() == {"backbone", *parts}
    assert not list(method.parameters(recurse=False))
