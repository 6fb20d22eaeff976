"""BD-CSPN: class prototypes rectified by the queries."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.bases.published_pretraining import TIM
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import cosine, rectified_prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides


class BDCSPNRecipe(NormalisedRecipe):
    """Settings of Liu et al. 2020, section 3."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "L2N",
        description="of each embedding, see simple-shot. The paper scales to unit length; later "
        "comparisons take CL2N (as oveilleux/Realistic_Transductive_Few_Shot)",
    )
    scale: float = Field(10.0, gt=0, description="of the cosines, epsilon [section 3]")

    presets: ClassVar[Mapping[str, Overrides]] = {
        # The paper has no release. The networks are those of the comparison in
        # oveilleux/Realistic_Transductive_Few_Shot, which are TIM's; so is the centring
        # [methods_config/bdcspn.yaml norm_type].
        "paper": {**TIM, "transform": "CL2N"},
    }
    published = ("mini-imagenet", "tiered-imagenet")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "transform": ("L2N", "CL2N"),
        "scale": (1.0, 5.0, 10.0, 20.0),
    }


@methods.register("bd-cspn")
class BDCSPN(NormalisedMethod):
    """Cosine to class means of support and pseudo-labelled queries, moved onto the support.

    Queries are shifted by the difference of the means of support and queries (cross-class bias),
    labelled by the nearest prototype, and join the support; new prototypes weigh each image by
    how sure it is of its class (intra-class bias), see `rectified_prototypes`.

    Weights are those of the three releases that have the method: oveilleux/
    Realistic_Transductive_Few_Shot and SegoleneMartin/PADDLE (``src/methods/bdcspn.py``), and
    imtiazziko/LaplacianShot (``src/train_lshot.py``). easyfsl takes them over the images of a
    class, at which one support image outweighs all queries if cosines are scaled.

    Departs from the paper in that all queries join, not only the Z most confident ones, as in all
    of these; from the releases in the score: the cosine of the shifted query, as in the paper,
    where they take the distance (the first two of the query as it was), and in that a support
    image counts for the class of its label, not for the nearest one.
    """

    setting = "transductive"
    paper = Paper(
        "Prototype Rectification for Few-Shot Learning",
        "Liu et al.",
        "ECCV",
        2020,
        "https://arxiv.org/abs/1911.10713",
    )
    recipe: BDCSPNRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return scaled cosines of the shifted queries with the rectified prototypes."""
        query = query + (support.mean(1, keepdim=True) - query.mean(1, keepdim=True))
        scale = self.recipe.scale
        rectified = rectified_prototypes(support, support_labels, query, n_way, scale)
        return scale * cosine(query, rectified)
