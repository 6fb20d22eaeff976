"""Soft k-means: class means that the queries join in proportion to their closeness."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.ops.soft_clusters import gram_of, soft_clusters
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides


class SoftKMeansRecipe(NormalisedRecipe):
    """Settings of Bendou et al. 2022 and ybendou/easy (README and ``few_shot_eval.py``)."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "UN",
        description="of each embedding, see simple-shot [README: no --preprocessing; ME, which is "
        "CL2N, in its inductive commands]",
    )
    centre: bool = Field(
        True, description="subtract the mean of the task, then scale to unit length [README: ME]"
    )
    temperature: float = Field(
        5.0, gt=0, description="factor of squared distances [README; default of args.py: 20]"
    )
    n_steps: int = Field(30, ge=1, description="assignments [few_shot_eval.py softkmeans]")

    presets: ClassVar[Mapping[str, Overrides]] = {
        # "Training scripts for Y" of the README, and main.py. Not to be had here: manifold mixup,
        # and the five restarts of the cosine, of which ours is one.
        "paper": {
            "backbone": "resnet12-rfs",  # theirs is without dropout and DropBlock [resnet12.py]
            "pretrain.head": "linear",
            "pretrain.rotation": 1.0,
            "pretrain.lr": 0.1,
            "pretrain.weight_decay": 5e-4,
            "pretrain.batch_size": 128,
            "pretrain.epochs": 500,
            "pretrain.schedule": "one-cycle",
            "pretrain.warmup": 0.0,
            "pretrain.augment": "natural",
        }
    }
    published = ("mini-imagenet",)  # the README has no command for others
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "transform": ("UN", "CL2N"),
        "temperature": (5.0, 10.0, 20.0),
    }


@methods.register("soft-k-means")
class SoftKMeans(NormalisedMethod):
    """Class means of the support and of all queries, each as far as it is assigned to the class.

    Nothing is assumed of the classes' shares. This is the classifier of EASY's transductive rows;
    their networks and augmented shots are a matter of pretraining.
    """

    setting = "transductive"
    paper = Paper(
        "EASY: Ensemble Augmented-Shot Y-shaped Learning: State-Of-The-Art Few-Shot "
        "Classification with Simple Ingredients",
        "Bendou et al.",
        "arXiv",
        2022,
        "https://arxiv.org/abs/2201.09699",
    )
    recipe: SoftKMeansRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the last assignment, ``[T, Q, n_way]``."""
        if self.recipe.centre:
            mean = torch.cat([support, query], dim=1).mean(1, keepdim=True)
            support, query = F.normalize(support - mean, dim=-1), F.normalize(query - mean, dim=-1)
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        rounds = [(2 * self.recipe.temperature, 0.0)] * self.recipe.n_steps
        return soft_clusters(gram_of(support, query), targets, rounds).transpose(1, 2)
