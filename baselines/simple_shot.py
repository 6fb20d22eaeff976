"""SimpleShot: the nearest class mean of centred, normalised embeddings."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.bases.published_pretraining import SIMPLE_SHOT, SIMPLE_SHOT_TIERED
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import cosine, prototypes, squared_distances
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides


class SimpleShotRecipe(NormalisedRecipe):
    """Settings of Wang et al. 2019 and mileyan/simple_shot (``train.py``)."""

    metric: Literal["euclidean", "cosine"] = Field(
        "euclidean", description="between queries and class means [train.py metric_class_type]"
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": SIMPLE_SHOT,
        "paper@tiered-imagenet": SIMPLE_SHOT_TIERED,
    }
    published = ("mini-imagenet", "tiered-imagenet")


@methods.register("simple-shot")
class SimpleShot(NormalisedMethod):
    """Nearest mean of embeddings, centred by the train split's mean and scaled to unit length.

    The class means are not normalised again, and distances are squared: the release takes their
    root, which gives the same answers.
    """

    setting = "inductive"
    paper = Paper(
        "SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning",
        "Wang et al.",
        "arXiv",
        2019,
        "https://arxiv.org/abs/1911.04623",
    )
    recipe: SimpleShotRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return negative squared distances to the class means, or cosines."""
        means = prototypes(support, support_labels, n_way)
        if self.recipe.metric == "cosine":
            return cosine(query, means)
        return -squared_distances(query, means)
