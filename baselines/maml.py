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

# How cbfinn/maml meta-trains (``main.py``, ``maml.py``); its kin took that over.
#
# Its loss of a task is the sum over the queries divided by the shots (``utils.py xent``): of 5 ways
# and 15 queries a class it is 75 times the mean for 1 shot, and 15 times for 5. So is its gradient,
# whose entries are bounded by 10.
MAML_TRAINING: Mapping[str, Overrides] = {
    "paper": {  # miniImageNet
        "backbone": "conv4-32",
        "pretrain": None,
        "train.n_query": 15,
        "train.steps": 60_000,
        "train.tasks_per_step": 4,
        "train.clip_value": 10 / 75,
        "train.val_every": 1000,
        "train.augment": "none",
        "train.schedule": "constant",
        "train.warmup": 0.0,
    },
    "paper:5": {"train.tasks_per_step": 2, "train.clip_value": 10 / 15},  # [appendix A.1]
    "paper@omniglot": {
        "backbone": "conv4-64-strided",
        "train.n_query": 1,  # as many as shots
        "train.tasks_per_step": 32,  # 16 with 20 ways
        "train.clip_value": None,
    },
    "paper@omniglot:5": {"train.n_query": 5},
}
# With its inner loop, on the mean loss: the release's is the sum over the classes [utils.py xent].
MAML_PRESETS: Mapping[str, Overrides] = {
    **MAML_TRAINING,
    "paper": {**MAML_TRAINING["paper"], "inner_lr": 0.05},  # 0.01 times 5 ways
    "paper@omniglot": {
        **MAML_TRAINING["paper@omniglot"],
        "inner_lr": 2.0,  # 0.4 times 5 ways; with 20 ways 0.1 times 20
        "inner_steps": 1,  # 5 with 20 ways
        "test_steps": 3,  # [appendix A.1]; the release counts up to 10
    },
}


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
    adapt_norms: bool = Field(
        True,
        description="adapt the weights of batch norms to the task too; the release keeps them "
        "[utils.py normalize]",
    )
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
        clip_value=10 / 75,  # as preset paper, of the loss on 15 queries a class
        val_every=200,
        val_episodes=200,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {
            "train.clip_value": 10 / 15,
            "train.tasks_per_step": 2,  # [appendix A.1]
            "train.steps": 200,
            "train.val_every": 100,
            "train.val_episodes": 100,
        }
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")
    presets: ClassVar[Mapping[str, Overrides]] = {
        **MAML_PRESETS,
        "paper": {**MAML_PRESETS["paper"], "adapt_norms": False},
    }


@methods.register("maml")
class MAML(InnerLoopMethod):
    """Adapt all weights to each task by gradient descent on its support set.

    Batch norm uses the statistics of the current batch, as in the release, which makes the
    method transductive. Of its weights the release learns only the offset. Options of MAML++ depart
    from its release in two things: the queries have a set of batch-norm weights and statistics of
    their own, where the release lets them share that of the last step; and running statistics
    are used, where the release gathers them and then normalises by the batch at meta-test as well.
    """

    paper = Paper(
        "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
        "Finn et al.",
        "ICML",
        2017,
        "https://arxiv.org/abs/1703.03400",
    )
    remark = (
        "its default is minutes of training from a pretrained backbone, which it moves with the "
        "few images of a task: below class means of that backbone; its paper trains 60,000 steps "
        "from random weights (--preset paper)."
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

    def initial_weights(self) -> Weights:
        """Return what is adapted by name, batch norms only if the recipe says so."""
        weights = super().initial_weights()
        if self.recipe.adapt_norms:
            return weights
        norms = [n for n, m in self.network.named_modules() if isinstance(m, nn.BatchNorm2d)]
        return {name: w for name, w in weights.items() if name.rpartition(".")[0] not in norms}

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Descend on the support loss of one task; see `InnerLoopMethod.adapt`."""
        rates = [self._rates(step) for step in range(self.n_steps)]
        return self.descend(support, labels, rates, self.recipe.first_order)

    def _rates(self, step: int) -> Rates:
        """Rates of each weight; steps beyond those of the training have the last one's."""
        if self.recipe.learned_rates:
            return self.step_rates[min(step, len(self.step_rates) - 1)].unbind()
        return [self.recipe.inner_lr] * len(self.initial_weights())
