"""MAML: an initialisation from which a few gradient steps on the support learn a task."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from fewshot_bench.backbones import Backbone
from fewshot_bench.backbones.base import use_batch_statistics
from fewshot_bench.episode import Episode
from fewshot_bench.method import Method, Paper
from fewshot_bench.recipe import Overrides, Recipe, TrainRecipe
from fewshot_bench.registry import methods

Weights = dict[str, Tensor]


class MAMLRecipe(Recipe):
    """Settings of Finn et al. 2017 and cbfinn/maml (``maml.py``, ``main.py``)."""

    inner_lr: float = Field(
        0.2,
        gt=0,
        description="on the mean loss; paper: 0.05 (the release has 0.01 on a sum over 5 classes); "
        "0.2 learns faster in short trainings (chosen on CIFAR-FS val)",
    )
    inner_steps: int = Field(5, ge=0, description="in meta-training [main.py]")
    test_steps: int = Field(10, ge=0, description="at meta-test [main.py]")
    first_order: bool = Field(False, description="drop second derivatives [main.py stop_grad]")
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=4000,
        tasks_per_step=4,  # meta_batch_size [main.py]
        n_query=5,  # paper: 15
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",  # the release keeps it constant for 60,000 steps
        warmup=0.05,
        clip_value=10.0,  # [maml.py]
        val_every=500,
        val_episodes=200,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "inner_lr": 0.05,
            "train.n_query": 15,
            "train.steps": 60_000,
            "train.val_every": 1000,
            "train.schedule": "constant",
        }
    }


@methods.register("maml")
class MAML(Method):
    """Adapt all weights to each task by gradient descent on its support set.

    Batch norm always uses the statistics of the current batch, as in the release, which makes
    the method transductive: the queries of an episode are normalised together. All weights are
    adapted, those of batch norm included (the release learns only its offset, and keeps it).
    """

    setting = "transductive"
    label_symmetric = False
    adapts_backbone = True
    paper = Paper(
        "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
        "Finn et al.",
        "ICML",
        2017,
        "https://arxiv.org/abs/1703.03400",
    )
    recipe_type = MAMLRecipe
    recipe: MAMLRecipe

    def __init__(self, backbone: Backbone, recipe: MAMLRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        use_batch_statistics(backbone)
        self.head = nn.Linear(backbone.out_dim, n_way)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def network(self) -> nn.Sequential:
        """Backbone and head as one module; built anew, so that weights are registered once."""
        return nn.Sequential(self.backbone, self.head)

    def forward(self, episode: Episode) -> Tensor:
        """Adapt to each task in turn and score its queries, ``[T, Q, n_way]``.

        A loop over tasks: on a CPU it is faster than ``vmap``, and needs less memory.
        """
        self.require_way(episode.n_way)
        tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
        return torch.stack([self._solve(*task) for task in tasks])

    def _solve(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        weights = self.adapt(support, labels)
        return self._logits(weights, query)

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Descend on the support loss of one task.

        Args:
            support: images ``[S, C, H, W]``.
            labels: ``[S]``.

        Returns:
            Adapted weights by name; differentiable in training.
        """
        meta = self.training and torch.is_grad_enabled()
        weights: Weights = dict(self.network.named_parameters())
        n_steps = self.recipe.inner_steps if self.training else self.recipe.test_steps
        with torch.enable_grad():
            for _ in range(n_steps):
                loss = F.cross_entropy(self._logits(weights, support), labels)
                gradients = torch.autograd.grad(
                    loss, list(weights.values()), create_graph=meta and not self.recipe.first_order
                )
                steps = zip(weights.items(), gradients, strict=True)
                weights = {name: w - self.recipe.inner_lr * g for (name, w), g in steps}
        return weights

    def _logits(self, weights: Weights, images: Tensor) -> Tensor:
        logits: Tensor = functional_call(self.network, weights, (images,))
        return logits
