"""PADDLE: class means and shares of the queries, with a price on every class that is used."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.published_pretraining import TIM
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.ops.soft_clusters import gram_of, soft_clusters
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class PADDLERecipe(Recipe):
    """Settings of Martin et al. 2022 and SegoleneMartin/PADDLE (``src/methods/paddle.py``)."""

    strength: float = Field(
        0.5,
        ge=0,
        description="of the price, lambda, in units of the number of queries; release: 1 [alpha: "
        "75], at which one class takes nearly all queries of Conv-4 (on CIFAR-FS val)",
    )
    unit_length: bool = Field(True, description="scale embeddings to it first; release: no")
    rescale: bool = Field(
        True, description="bring each entry of the queries' embeddings to 0 .. 1 [MinMaxScaler]"
    )
    n_steps: int = Field(100, ge=1, description="[config/*/methods_config/paddle.yaml iter]")
    pretrain: PretrainRecipe | None = PretrainRecipe()

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"strength": (0.0, 0.25, 0.5, 1.0)}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {**TIM, "strength": 1.0, "unit_length": False}  # TIM's networks [README 1.2.1]
    }
    published = ("mini-imagenet", "tiered-imagenet")


@methods.register("paddle")
class PADDLE(Method):
    """Soft clusters around the class means, which take over queries the more, the more they have.

    The loss is that of k-means with soft assignments plus lambda times the entropy of the classes'
    shares: it wants few classes where TIM wants all of them equally. No share is assumed, so that
    it suits imbalanced queries, and classes of which there is no query at all.

    The paper has 5 shots and more, and features that tell classes well apart. Where they do not,
    assignments are soft, and a high price lets one class take over: preset ``paper`` has 23 % on
    5-way tasks of Conv-4 on CIFAR-FS val, hence our other defaults.
    """

    setting = "transductive"
    at_once = AtOnce(numbers=10_000_000)
    paper = Paper(
        "Towards Practical Few-Shot Query Sets: Transductive Minimum Description Length Inference",
        "Martin et al.",
        "NeurIPS",
        2022,
        "https://arxiv.org/abs/2210.14545",
    )
    recipe: PADDLERecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the last assignment, ``[T, Q, n_way]``."""
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        rounds = [(1.0, self.recipe.strength)] * self.recipe.n_steps
        gram = gram_of(*self.scaled(support, query))
        return soft_clusters(gram, targets, rounds).transpose(1, 2)

    def scaled(self, support: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Scale to unit length, then by the range of the queries in each dimension."""
        if self.recipe.unit_length:
            support, query = F.normalize(support, dim=-1), F.normalize(query, dim=-1)
        if not self.recipe.rescale:
            return support, query
        least = query.amin(1, keepdim=True)
        extent = query.amax(1, keepdim=True) - least
        extent = torch.where(extent == 0, 1.0, extent)
        return (support - least) / extent, (query - least) / extent
