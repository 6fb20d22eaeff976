"""Meta-SGD: MAML with one inner step, and a learned rate for every single weight."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from fewshot_bench.baselines.maml import MAML_TRAINING
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.inner_loop import InnerLoopMethod, InnerLoopRecipe, Weights
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, TrainRecipe


class MetaSGDRecipe(InnerLoopRecipe):
    """Settings of Li et al. 2017; there is no release, and its schedule is that of MAML."""

    inner_steps: int = Field(1, ge=0, description="in meta-training [section 3]")
    test_steps: int = Field(1, ge=0, description="at meta-test [section 3]")
    rate_min: float = Field(
        0.5,
        gt=0,
        description="initial rates are drawn uniformly from rate_min .. rate_max, on the mean "
        "loss; reimplementations of the paper: 0.005 .. 0.1; a short training does not take them "
        "far from there (chosen on CIFAR-FS val)",
    )
    rate_max: float = Field(1.0, gt=0)
    first_order: bool = Field(False, description="drop second derivatives; the paper keeps them")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,  # paper preset: MAML's 60,000, from random weights
        tasks_per_step=4,
        n_query=5,  # paper: 15
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",
        warmup=0.05,
        clip_value=10 / 75,  # as MAML's release, see `MAML_TRAINING`
        val_every=500,
        val_episodes=200,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {"train.tasks_per_step": 2, "train.steps": 1000, "train.clip_value": 10 / 15}
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")
    presets: ClassVar[Mapping[str, Overrides]] = {
        **MAML_TRAINING,  # our reading: the paper compares with MAML, and has no code
        "paper": {**MAML_TRAINING["paper"], "rate_min": 0.005, "rate_max": 0.1},
    }


@methods.register("meta-sgd")
class MetaSGD(InnerLoopMethod):
    """Take one gradient step on the support, with a learned rate for every weight.

    The rates may become negative: they learn the direction of the step too (section 3). With
    more steps than one, all have the same rates.
    """

    paper = Paper(
        "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning",
        "Li et al.",
        "arXiv",
        2017,
        "https://arxiv.org/abs/1707.09835",
    )
    recipe: MetaSGDRecipe

    def __init__(self, backbone: Backbone, recipe: MetaSGDRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.rate_min > recipe.rate_max:
            raise UsageError(f"rate_min is above rate_max={recipe.rate_max}; lower it with --set")
        self.rates = nn.ParameterList(
            torch.empty_like(weight).uniform_(recipe.rate_min, recipe.rate_max)
            for weight in self.initial_weights().values()
        )

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Step along the support gradient of one task; see `InnerLoopMethod.adapt`."""
        rates = [list(self.rates)] * self.n_steps
        return self.descend(support, labels, rates, self.recipe.first_order)
