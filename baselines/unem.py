"""UNEM: rounds of expectation and maximisation whose few numbers are learned."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.bases.published_pretraining import TIM
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.ops.soft_clusters import gram_of, soft_clusters
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, TrainRecipe


class UNEMRecipe(NormalisedRecipe):
    """Settings of Zhou et al. 2025; files are those of ZhouLong0/UNEM-Transductive."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "L2N",
        description="of each embedding, see simple-shot; release: UN, which is worse for Conv-4 "
        "(on CIFAR-FS val)",
    )
    n_layers: int = Field(10, ge=1, description="rounds [main_config.yaml train_n_layers]")
    loss: Literal["probabilities", "logits"] = Field(
        "probabilities",
        description="what its softmax is taken of: the release hands the assigned probabilities "
        "to torch's cross-entropy, as if they were logits [unroll_trainer.py]",
    )
    train: TrainRecipe | None = TrainRecipe(
        steps=100,  # [main_config.yaml train_iter]
        tasks_per_step=100,  # release: the same 1,000 in every step [train_samples]
        optimizer="adam",  # [unroll_trainer.py]
        lr=0.1,  # [main_config.yaml train_lr]
        schedule="step",  # halved after 50 steps [unroll_trainer.py StepLR]
        milestones=(0.5,),
        gamma=0.5,
        val_every=20,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        # TIM's networks, as in PADDLE's release, which it extends.
        "paper": {**TIM, "transform": "UN", "train.tasks_per_step": 1000}
    }
    published = ("mini-imagenet", "tiered-imagenet")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "transform": ("L2N", "CL2N", "UN"),
        "loss": ("probabilities", "logits"),
    }


@methods.register("unem")
class UNEM(NormalisedMethod):
    """Soft k-means whose scale, and each round's temperature and reward of size, are learned.

    A round's reward of a class is a learned weight times the logarithm of its share of the
    queries in the round before, as in PADDLE; the 21 numbers are kept positive by a softplus.
    The Gaussian variant of the paper, the one for images alone, with numbers of its own for each
    layer (``U_PADDLE_EMBT_L``).

    Departs from the release in the episodes it learns from. Theirs are of the val classes, which
    select here, with all of them in the support and 75 queries of five of them in unequal shares;
    here they are of the train classes, of the shape of a test episode, balanced, and new in every
    step. So the rewards that it learns are small, and imbalance costs it more.
    """

    setting = "transductive"
    paper = Paper(
        "UNEM: UNrolled Generalized EM for Transductive Few-Shot Learning",
        "Zhou et al.",
        "CVPR",
        2025,
        "https://arxiv.org/abs/2412.16739",
    )
    recipe: UNEMRecipe

    def __init__(self, backbone: Backbone, recipe: UNEMRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        # All start at 1 [U_Paddle_embt.py]. The first reward has no share to weigh yet.
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.reward = nn.Parameter(torch.ones(recipe.n_layers))
        self.temperature = nn.Parameter(torch.ones(recipe.n_layers))

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the last round, ``[T, Q, n_way]``."""
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        gram = gram_of(support, query) * F.softplus(self.scale).square()
        sharpness = 1 / (1 + F.softplus(self.temperature))
        rounds = zip(sharpness, F.softplus(self.reward), strict=True)
        return soft_clusters(gram, targets, rounds).transpose(1, 2)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of the queries, as `UNEMRecipe.loss` says."""
        scores = self(episode).flatten(0, 1)
        if self.recipe.loss == "probabilities":
            scores = scores.softmax(-1)
        return F.cross_entropy(scores, query_labels.flatten())
