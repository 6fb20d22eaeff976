"""Base of the methods that normalise embeddings as SimpleShot does."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import Method
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class NormalisedRecipe(Recipe):
    """Recipe of a method on normalised embeddings of the shared backbone, without meta-training."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "CL2N",
        description="of each embedding [SimpleShot train.py]: CL2N subtracts the mean of the train "
        "split and scales to unit length, L2N scales alone, UN does nothing",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"transform": ("CL2N", "L2N", "UN")}


class NormalisedMethod(Method):
    """A method on embeddings that are normalised, and perhaps centred by the train split's mean."""

    uses_base = True
    without_base: ClassVar[Overrides] = {"transform": "L2N"}
    recipe: NormalisedRecipe
    base_mean: Tensor

    def __init__(self, backbone: Backbone, recipe: NormalisedRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.uses_base = recipe.transform == "CL2N"
        self.register_buffer("base_mean", torch.zeros(self.embedding_dim))

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Keep the mean of the train split."""
        self.base_mean.copy_(embeddings.mean(0))

    def transform(self, embeddings: Tensor) -> Tensor:
        """Centre and normalise embeddings ``[..., D]`` as the recipe says."""
        if self.recipe.transform == "UN":
            return embeddings
        if self.recipe.transform == "CL2N":
            embeddings = embeddings - self.base_mean
        return F.normalize(embeddings, dim=-1)
