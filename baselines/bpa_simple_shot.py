"""SimpleShot on each image's balanced affinities to all images of its task."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from fewshot_bench.baselines.simple_shot import SimpleShot, SimpleShotRecipe
from pydantic import Field

from fewshot_bench.bases.affinity_head import AffinityMethod, AffinityRecipe
from fewshot_bench.bases.published_pretraining import S2M2
from fewshot_bench.method import methods
from fewshot_bench.recipe import Overrides


class BPASimpleShotRecipe(SimpleShotRecipe, AffinityRecipe):
    """SimpleShot's settings, and those of DanielShalam/BPA (``prototypical/proto_loss.py``)."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "UN", description="of each embedding, see simple-shot [proto_loss.py: none]"
    )

    presets: ClassVar[Mapping[str, Overrides]] = {"paper": S2M2}  # as `bpa`
    published = ("mini-imagenet", "cifar-fs")
    grid = AffinityRecipe.grid


@methods.register("bpa-simple-shot")
class BPASimpleShot(AffinityMethod, SimpleShot):
    """Nearest class mean of rows of a balanced affinity matrix of all images.

    The release's ``proto_bpa``, without training; departs from it as `bpa` does.
    """

    recipe: BPASimpleShotRecipe
