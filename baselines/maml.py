"""MAML: an initialisation from which a few gradient steps on the support learn a task."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.inner_loop import (
    InnerLoopMethod,
    InnerLoopRecipe,
    Rates,
    Weights,
    use_per_step_norms,
)
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, TrainRecipe


class MAMLRecipe(InnerLoopRecipe):
    """Settings of Finn et al. 2017 and cbfinn/maml (``maml.py``, ``main.py``).

    The last two are MAML++ (Antoniou et al., ICLR 2019; HowToTrainYourMAMLPytorch).
    """

    inner_lr: float = Field(
        0.2,
        gt=0,
        description="on the mean loss; paper: 0.05 (the release has 0.01 on a sum over 5 classes); "
        "0.2 learns faster in short trainings (chosen on CIFAR-FS val)",
    )
    first_order: bool = Field(False, description="drop second derivatives [main.py stop_grad]")
    per_step_norm: bool = Field(
        False,
        description="batch norm with weights and running statistics of each inner step, not "
        "adapted to the task; the running ones serve at meta-test, which makes it inductive",
    )
    learned_rates: bool = Field(
        False, description="learn a rate of each weight tensor and inner step, from inner_lr on"
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=400,  # paper: 60,000, from random weights
        tasks_per_step=4,  # meta_batch_size [main.py]
        n_query=5,  # paper: 15
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",  # the release keeps it constant
        warmup=0.05,
        clip_value=10.0,  # [maml.py]
        val_every=200,
        val_episodes=200,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {
            "train.tasks_per_step": 2,  # some of the paper's runs with 5 shots
            "train.steps": 200,
            "train.val_every": 100,
            "train.val_episodes": 100,
        }
    }
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "inner_lr": 0.05,
            "pretrain": None,
            "train.n_query": 15,
            "train.steps": 60_000,
            "train.val_every": 1000,
            "train.schedule": "constant",
            "train.warmup": 0.0,
        }
    }


@methods.register("maml")
class MAML(InnerLoopMethod):
    """Adapt all weights to each task by gradient descent on its support set.

    Batch norm uses the statistics of the current batch, as in the release, which makes the
    method transductive. Its weights are adapted too (the release learns only the offset, and
    keeps it). Options of MAML++ depart from its release in two things: the queries have a set of
    batch-norm weights and statistics of their own, where the release lets them share that of the
    last step; and running statistics are used, where the release gathers them and then
    normalises by the batch at meta-test as well.
    """

    paper = Paper(
        "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
        "Finn et al.",
        "ICML",
        2017,
        "https://arxiv.org/abs/1703.03400",
    )
    recipe: MAMLRecipe

    def __init__(self, backbone: Backbone, recipe: MAMLRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.per_step_norm:
            use_per_step_norms(backbone, recipe.inner_steps)
            self.setting = "inductive"
        if recipe.learned_rates:
            shape = (max(1, recipe.inner_steps), len(self.initial_weights()))
            self.step_rates = nn.Parameter(torch.full(shape, recipe.inner_lr))

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Descend on the support loss of one task; see `InnerLoopMethod.adapt`."""
        rates = [self._rates(step) for step in range(self.n_steps)]
        return self.descend(support, labels, rates, self.recipe.first_order)

    def _rates(self, step: int) -> Rates:
        """Rates of each weight; steps beyond those of the training have the last one's."""
        if self.recipe.learned_rates:
            return self.step_rates[min(step, len(self.step_rates) - 1)].unbind()
        return [self.recipe.inner_lr] * len(self.initial_weights())
