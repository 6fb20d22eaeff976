"""ANIL: MAML whose inner loop adapts the head alone."""

from collections.abc import Mapping
from typing import ClassVar

from fewshot_bench.baselines.maml import MAML_PRESETS, MAMLRecipe
from pydantic import Field
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.inner_loop import InnerLoopRecipe, linear_head
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, TrainRecipe


class ANILRecipe(InnerLoopRecipe):
    """Settings of Raghu et al. 2020, who keep MAML's."""

    inner_lr: float = Field(
        0.3,
        gt=0,
        description="on the mean loss; paper: that of MAML, 0.05; learn2learn (anil_fc100.py): "
        "0.1; 0.3 learns faster in short trainings (chosen on CIFAR-FS val)",
    )
    first_order: bool = Field(False, description="drop second derivatives; the paper keeps them")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1200,  # paper preset: MAML's 60,000, from random weights
        tasks_per_step=4,  # as MAML
        n_query=10,  # paper: 15
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",  # paper: constant
        warmup=0.05,
        augment="natural",  # paper: none
        clip_value=10 / 75,  # as MAML's release, see `MAML_TRAINING`
        val_every=250,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {"train.steps": 750, "train.clip_value": 10 / 15}
    }
    published: ClassVar[tuple[str, ...]] = MAMLRecipe.published  # [appendix A: as MAML]
    presets: ClassVar[Mapping[str, Overrides]] = MAML_PRESETS


@methods.register("anil")
class ANIL(Method):
    """Adapt a linear head to each task by gradient descent; the backbone is shared by all tasks.

    The backbone learns through the inner loop, but does not change in it. Departs from the paper,
    which takes over MAML's batch norm, in that the backbone uses running statistics at meta-test
    (in meta-training those of all images of a step): the method is inductive, and shares its
    embeddings between episodes. The head starts from its meta-learned weights.
    """

    setting = "inductive"
    label_symmetric = False
    paper = Paper(
        "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
        "Raghu et al.",
        "ICLR",
        2020,
        "https://arxiv.org/abs/1909.09157",
    )
    recipe: ANILRecipe

    def __init__(self, backbone: Backbone, recipe: ANILRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.head = linear_head(self.embedding_dim, n_way)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Fit the heads of all tasks together, then score; see `Method.classify`.

        The gradient of the mean cross-entropy is written out: it is the product of the errors
        of the probabilities with the embeddings.
        """
        self.require_way(n_way)
        targets = one_hot(support_labels, n_way, support)
        weight: Tensor = self.head.weight.expand(len(support), -1, -1)
        bias: Tensor = self.head.bias
        for _ in range(self.recipe.n_steps(self.training)):
            logits = support @ weight.transpose(1, 2) + bias
            errors = (logits.softmax(-1) - targets) / support.shape[1]
            slopes = errors.transpose(1, 2) @ support, errors.sum(1, keepdim=True)
            if self.recipe.first_order:
                slopes = slopes[0].detach(), slopes[1].detach()
            weight = weight - self.recipe.inner_lr * slopes[0]
            bias = bias - self.recipe.inner_lr * slopes[1]
        return query @ weight.transpose(1, 2) + bias
