"""R2-D2 and LR-D2: embeddings trained through a ridge or logistic regression of each task."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot, ridge
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class R2D2Recipe(Recipe):
    """Settings of Bertinetto et al. 2019 and bertinetto/r2d2 (``scripts/train``)."""

    head: Literal["ridge", "logistic"] = Field("ridge", description="R2-D2 or LR-D2")
    regulariser: float = Field(
        5.0,
        gt=0,
        description="initial lambda; 50 in the release [conf init_lambda], whose embeddings are "
        "far longer: pretrained Conv-4's have |z|² of about 35, and 5 did best on val",
    )
    learn_regulariser: bool = Field(
        True, description="as the paper says (section 3.2); the release has learn_lambda False"
    )
    scale: float = Field(
        10.0,
        gt=0,
        description="ridge: initial value of the learned scale of the logits, alpha "
        "[cifar_r2d2_small.sh; 1e-4 for miniImageNet]",
    )
    newton_steps: int = Field(5, ge=1, description="logistic: 1 or 5 [cifar_lrd2.sh iterations]")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,  # paper: until 20,000 do not improve
        n_way=20,  # as on CIFAR-FS
        min_shot=1,
        n_shot=9,  # [conf shot_min, shot_max]
        n_query=5,  # paper: 12 - shot
        optimizer="adam",
        lr=1e-3,  # paper: 5e-3
        schedule="one-cycle",
        warmup=0.05,
        augment="natural",  # paper: none
        val_every=300,
        val_episodes=500,
    )

    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "cifar-fs", "omniglot")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "conv4-r2d2",
            "regulariser": 50.0,
            "learn_regulariser": False,
            "scale": 1e-4,  # [experiments.sh init_adj_scale]
            "pretrain": None,
            "train.steps": 40_000,  # of at most 120,000; the rate has then fallen to a millionth
            "train.n_way": 16,
            "train.n_query": 10,  # release: 15 - shot, of 1 to 9 [conf batch_size 240]
            "train.lr": 5e-3,
            "train.augment": "none",
            "train.schedule": "step",
            "train.warmup": 0.0,
            # Every 20 epochs of 100 episodes; the first is counted as the second [train.py].
            "train.milestones": tuple((20 * k - 1) / 400 for k in range(1, 21)),
            "train.gamma": 0.5,
            "train.val_every": 1000,
        },
        "paper@cifar-fs": {"scale": 10.0, "train.n_way": 20, "train.n_query": 7},  # 12 - shot
        "paper@omniglot": {"scale": 10.0, "train.n_way": 60, "train.n_query": 5},  # 10 - shot
    }


@methods.register("r2d2", "r2-d2")
class R2D2(Method):
    """Ridge regression of the labels on the support, or one-vs-rest logistic regression.

    The embeddings get a constant feature, whose weight is the bias and is regularised like the
    others. Training episodes have many ways and from 1 to 9 shots.

    Departs from the release in that the regulariser is learned, as its logarithm, and starts
    lower. The paper's additive beta is left out: it is the same for all classes, so that neither
    the loss nor an answer sees it. LR-D2 has no scale, as in the release.
    """

    setting = "inductive"
    at_once = AtOnce(numbers=3_000_000)
    paper = Paper(
        "Meta-learning with Differentiable Closed-form Solvers",
        "Bertinetto et al.",
        "ICLR",
        2019,
        "https://arxiv.org/abs/1805.08136",
    )
    recipe: R2D2Recipe

    def __init__(self, backbone: Backbone, recipe: R2D2Recipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.learn_regulariser:
            self.log_regulariser = nn.Parameter(torch.tensor(math.log(recipe.regulariser)))
        if recipe.head == "ridge":
            self.scale = nn.Parameter(torch.tensor(recipe.scale))

    @property
    def regulariser(self) -> Tensor | float:
        """Strength of the regularisation, learned or not."""
        if self.recipe.learn_regulariser:
            return self.log_regulariser.exp()
        return self.recipe.regulariser

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the classifier fitted to the support."""
        columns, targets = support.transpose(1, 2), one_hot(support_labels, n_way, support)
        gram, cross = support @ columns + 1, query @ columns + 1  # 1: the constant feature
        if self.recipe.head == "logistic":
            return cross @ logistic(gram, targets, self.regulariser, self.recipe.newton_steps)
        # The release divides support and labels by √S, which multiplies lambda by S.
        return self.scale * (cross @ ridge(gram, targets, support.shape[1] * self.regulariser))


class LRD2Recipe(R2D2Recipe):
    """Settings of R2-D2, with those in which ``experiments.sh`` has others for LR-D2."""

    head: Literal["ridge", "logistic"] = Field("logistic", description="R2-D2 or LR-D2")

    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "cifar-fs")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            **R2D2Recipe.presets["paper"],
            "train.n_way": 10,
            "train.n_query": 15,  # release: 20 - shot [batch_size 200]
        },
    }


@methods.register("lr-d2", "lrd2")
class LRD2(R2D2):
    """One-vs-rest logistic regression of each task: `r2d2` with its other head."""

    recipe: LRD2Recipe


def logistic(gram: Tensor, targets: Tensor, strength: Tensor | float, n_steps: int) -> Tensor:
    """Take Newton steps, from zero, to one logistic regression for each class.

    A step is a ridge regression, reweighted: with variances V of the labels and probabilities p,
    ``(V gram + strength I) coefficients = V logits + targets - p``.

    Args:
        gram: inner products of the support, ``[T, S, S]``.
        targets: one-hot labels, ``[T, S, W]``.
        strength: of ``|w|² / 2`` against the summed log-losses.
        n_steps: number of steps.

    Returns:
        Coefficients of the support, ``[T, S, W]``.
    """
    labels = targets.transpose(1, 2)
    logits = coefficients = torch.zeros_like(labels)
    for _ in range(n_steps):
        p = logits.sigmoid()
        variance = p * (1 - p)
        response = variance * logits + labels - p
        weighted = variance[..., None] * gram[:, None]
        coefficients = ridge(weighted, response[..., None], strength)[..., 0]
        logits = coefficients @ gram
    return coefficients.transpose(1, 2)
