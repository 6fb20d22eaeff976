"""BPA: PT-MAP on each image's balanced affinities to all images of its task."""

from fewshot_bench.baselines.pt_map import PTMAP, PTMAPRecipe
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.affinity_head import AffinityMethod, AffinityRecipe
from fewshot_bench.method import methods


class BPARecipe(PTMAPRecipe, AffinityRecipe):
    """PT-MAP's settings, and those of DanielShalam/BPA (``pt_map/evaluation/test_standard.py``)."""

    mark_support: bool = Field(
        False,
        description="set pairs of support images to 1 within a class, 0 between; in training the "
        "release does so [pt_map_loss.py]",
    )
    unit_length: bool = Field(
        True, description="scale the rows of affinities to it [scaleEachUnitaryDatas]"
    )

    published = ("mini-imagenet", "cifar-fs")  # PT-MAP's networks [README]
    grid = AffinityRecipe.grid


@methods.register("bpa")
class BPA(AffinityMethod, PTMAP):
    """PT-MAP on rows of a balanced affinity matrix of all images (BPA without training).

    Affinities come from PT-MAP's transformed and centred embeddings, and are centred again. Those
    between images are balanced; it is PT-MAP that assumes classes of equal size. Departs from the
    release in that every task takes all Sinkhorn rounds, see `balanced_affinities`.
    """

    recipe: BPARecipe

    def cosines(self, support: Tensor, query: Tensor) -> Tensor:
        """Of all images as PT-MAP centres them, ``[T, S + Q, S + Q]``."""
        cosines: Tensor = PTMAP.gram(self, support, query)
        return cosines
