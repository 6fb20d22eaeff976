"""Base that lets a head classify balanced affinities (BPA) in place of embeddings."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.method import Method
from fewshot_bench.ops.balanced_affinities import balanced_affinities
from fewshot_bench.ops.soft_clusters import gram_of
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Recipe
from fewshot_bench.results import Setting


class AffinityRecipe(Recipe):
    """What the recipe of a head gains, named after it among the bases; see `AffinityMethod`.

    Files are those of DanielShalam/BPA.
    """

    regulariser: float = Field(
        0.2, gt=0, description="weight of the entropy [README ot_reg; train.py: 0.1 to 0.2]"
    )
    n_rounds: int = Field(
        10, ge=1, description="of Sinkhorn [balanced_pairwise_affinities.py: at most]"
    )
    mark_support: bool = Field(
        True,
        description="set pairs of support images to 1 within a class, 0 between [proto_loss.py]",
    )
    unit_length: bool = Field(False, description="scale the rows of affinities to it")

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "regulariser": (0.1, 0.2, 0.4),
        "mark_support": (False, True),
    }


class AffinityMethod(Method):
    """To be named before a head among the bases: the head then gets rows of affinities.

    Such a method is two short classes, as in ``baselines/bpa_simple_shot.py``: a recipe of the
    head's and `AffinityRecipe`, whose defaults then stay the head's, and a method of
    `AffinityMethod` and the head. It suits every head whose `classify` takes embeddings of any
    length.
    """

    setting: Setting = "transductive"
    paper = Paper(
        "The Balanced-Pairwise-Affinities Feature Transform",
        "Shalam & Korman",
        "ICML",
        2024,
        "https://arxiv.org/abs/2407.01467",
    )
    recipe: AffinityRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Let the head classify each image's affinities to all images of its task."""
        recipe, n_support = self.recipe, support.shape[1]
        labels = support_labels if recipe.mark_support else None
        cosines = self.cosines(support, query)
        rows = balanced_affinities(cosines, recipe.regulariser, recipe.n_rounds, labels)
        if recipe.unit_length:
            rows = F.normalize(rows, dim=-1)
        return super().classify(rows[:, :n_support], support_labels, rows[:, n_support:], n_way)

    def cosines(self, support: Tensor, query: Tensor) -> Tensor:
        """Of all images, support first, ``[T, S + Q, S + Q]``."""
        return gram_of(F.normalize(support, dim=-1), F.normalize(query, dim=-1))
