"""Prototypical networks: the nearest class mean, in a space trained for it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import prototypes, squared_distances
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe, every


class ProtoNetRecipe(Recipe):
    """Settings of Snell et al. 2017, section 3, and jakesnell/prototypical-networks."""

    scale: float | None = Field(
        16.0,
        gt=0,
        description="initial value of a learned scale of squared distances / D, as MetaOptNet's "
        "ProtoNet has (it starts at 1); none: the paper's plain squared distances",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,  # paper: until the validation loss rests, about 20,000
        n_way=20,  # more ways than at test: 20 for 5 shots, 30 for 1 (section 3.2)
        n_query=5,  # paper: 15; more and smaller steps learn faster per image
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",  # paper: halved every 2,000 episodes
        warmup=0.05,
        augment="natural",  # paper: none
        val_every=300,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {1: {"train.n_way": 30}, 2: {}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "conv4-64",
            "scale": None,
            "pretrain": None,
            "train.n_way": 20,  # [section 3.2]
            "train.n_query": 15,  # [section 3.2]
            # [train.py: until the validation loss has not fallen for 20,000 episodes]; at 20,000
            # the rate is a thousandth of the first
            "train.steps": 20_000,
            "train.val_every": 500,
            "train.augment": "none",
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": every(2000, 20_000),  # [run_train.py: 20 epochs of 100]
            "train.gamma": 0.5,
        },
        "paper:1": {"train.n_way": 30},  # [section 3.2]
        "paper:2": {},
        # The release then trains anew, on train and val together; here val only selects.
        "paper@omniglot": {"train.n_way": 60, "train.n_query": 5},  # [run_train.py]
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")


@methods.register("proto-net", "prototypical-networks")
class ProtoNet(Method):
    """Softmax over negative squared distances to the class means.

    Training episodes have more ways than test episodes and, as in the paper, the same shots.
    """

    setting = "inductive"
    paper = Paper(
        "Prototypical Networks for Few-shot Learning",
        "Snell et al.",
        "NeurIPS",
        2017,
        "https://arxiv.org/abs/1703.05175",
    )
    recipe: ProtoNetRecipe

    def __init__(self, backbone: Backbone, recipe: ProtoNetRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.scale is not None:
            self.scale = nn.Parameter(torch.tensor(recipe.scale))

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return negative squared Euclidean distances to the class means, scaled or not."""
        distances = squared_distances(query, prototypes(support, support_labels, n_way))
        if self.recipe.scale is None:
            return -distances
        return -self.scale * distances / query.shape[-1]
