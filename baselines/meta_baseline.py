"""Meta-Baseline: a classifier's backbone, meta-trained for cosines to class means."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import cosine, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class MetaBaselineRecipe(Recipe):
    """Settings of Chen et al. 2021; files are those of yinboc/few-shot-meta-baseline."""

    scale: float = Field(10.0, gt=0, description="initial, learned [models/meta_baseline.py temp]")
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,
        tasks_per_step=4,  # ep_per_batch [configs/train_meta_mini.yaml]
        n_query=5,  # release: 15; more and smaller steps learn faster per image
        optimizer="adam",  # release: SGD at a constant 1e-3
        lr=1e-3,
        schedule="one-cycle",
        warmup=0.05,
        augment="natural",  # release: none
        val_every=300,
        val_episodes=500,
    )

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"train.lr": (3e-4, 1e-3)}
    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.steps": 1000, "train.val_every": 200}}
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "tiered-imagenet")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "resnet12-meta-baseline",
            "pretrain.head": "linear",  # [configs/train_classifier_mini.yaml], to augment
            "pretrain.epochs": 100,
            "pretrain.batch_size": 128,
            "pretrain.warmup": 0.0,
            "pretrain.milestones": (0.9,),
            "pretrain.nesterov": False,  # [utils/__init__.py make_optimizer]
            "pretrain.augment": "shift-flip",  # release: crops of random size, and flips
            "train.steps": 4000,  # 20 epochs of 200 [configs/train_meta_mini.yaml]
            "train.n_query": 15,
            "train.optimizer": "sgd",
            "train.nesterov": False,
            "train.weight_decay": 5e-4,
            "train.schedule": "constant",
            "train.warmup": 0.0,
            "train.augment": "none",
            "train.val_every": 200,
        },
        "paper@tiered-imagenet": {
            "pretrain.epochs": 120,  # [configs/train_classifier_tiered.yaml], to milestones
            "pretrain.batch_size": 512,
            "pretrain.milestones": (1 / 3, 2 / 3),
            "train.steps": 200,  # 20 epochs of 10 [configs/train_meta_tiered.yaml]
            "train.val_every": 10,
        },
    }


@methods.register("meta-baseline")
class MetaBaseline(Method):
    """Cosine to the class means times a learned scale; fine-tunes the pretrained backbone for it.

    Without meta-training (``--set train=none``) it is the paper's Classifier-Baseline.
    """

    setting = "inductive"
    paper = Paper(
        "Meta-Baseline: Exploring Simple Meta-Learning for Few-Shot Learning",
        "Chen et al.",
        "ICCV",
        2021,
        "https://arxiv.org/abs/2003.04390",
    )
    recipe: MetaBaselineRecipe

    def __init__(self, backbone: Backbone, recipe: MetaBaselineRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.scale = nn.Parameter(torch.tensor(recipe.scale))

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return scaled cosines; means are of embeddings as they are, not of unit length."""
        return self.scale * cosine(query, prototypes(support, support_labels, n_way))
