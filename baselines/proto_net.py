"""Prototypical networks: the nearest class mean, in a space trained for it."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from fewshot_bench.method import Method, Paper
from fewshot_bench.ops import prototypes, squared_distances
from fewshot_bench.recipe import Overrides, Recipe, TrainRecipe
from fewshot_bench.registry import methods


class ProtoNetRecipe(Recipe):
    """Settings of Snell et al. 2017, section 3, and jakesnell/prototypical-networks."""

    divide_by_dim: bool = Field(
        True,
        description="divide distances by D, as MetaOptNet's ProtoNet does; the paper does not. "
        "Training then starts from a soft softmax, and needs a quarter of the steps",
    )
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=5000,
        n_way=20,  # more ways than at test: 20 for 5 shots, 30 for 1 (section 3.2)
        n_query=5,  # paper: 15; more and smaller steps learn faster per image
        optimizer="adam",
        lr=1e-3,
        schedule="step",  # paper: halved every 2,000 episodes; here as often in fewer steps
        milestones=(0.5, 0.65, 0.8, 0.9),
        gamma=0.5,
        val_every=500,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {1: {"train.n_way": 30}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "divide_by_dim": False,
            "train.n_query": 15,
            "train.steps": 20_000,
            "train.milestones": tuple(k / 10 for k in range(1, 10)),
        }
    }


@methods.register("proto-net", "prototypical-networks")
class ProtoNet(Method):
    """Softmax over negative squared distances to the class means, trained from scratch.

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
    recipe_type = ProtoNetRecipe
    recipe: ProtoNetRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return negative squared Euclidean distances to the class means, divided by D or not."""
        distances = squared_distances(query, prototypes(support, support_labels, n_way))
        return -distances / (query.shape[-1] if self.recipe.divide_by_dim else 1)
