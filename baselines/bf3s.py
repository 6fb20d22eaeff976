"""BF3S: a cosine classifier whose backbone also learned to recognise rotations."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class BF3SRecipe(Recipe):
    """Settings of Gidaris et al. 2019 (valeoai/BF3S, ``config/`` of the WRN on CIFAR-FS)."""

    pretrain: PretrainRecipe | None = PretrainRecipe(
        rotation=1.0,  # both losses count alike [algorithms/fewshot_selfsupervision]
        epochs=20,  # release: 21 epochs of 1,000 batches; each image is seen in four rotations
        augment="shift-flip",  # no colour jitter on CIFAR-FS [config]
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # rate 0.1 for 20,000 batches, then 0.01 for 1,000: 35 epochs of 600 batches
            "pretrain.epochs": 35,
            "pretrain.warmup": 0.0,
            "pretrain.milestones": (20 / 21,),
        }
    }
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "pretrain.rotation": (
            0.0,
            1.0,
        )  # without and with, as the paper compares; each a pretraining
    }


@methods.register("bf3s", "cc-rot")
class BF3S(NearestCosine):
    """Cosine to the mean of normalised embeddings, from a backbone that also learned rotations.

    The rotations are a matter of pretraining (`PretrainRecipe.rotation`), which any other method
    can ask for too. Departs from the release in the branch that recognises rotations: one
    convolution block in place of a residual group, so that it suits every backbone; and in the
    course of the learning rate, which is one cycle.
    """

    paper = Paper(
        "Boosting Few-Shot Visual Learning with Self-Supervision",
        "Gidaris et al.",
        "ICCV",
        2019,
        "https://arxiv.org/abs/1906.05186",
    )
    recipe: BF3SRecipe
