"""BF3S: a cosine classifier whose backbone also learned to recognise rotations."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class BF3SRecipe(Recipe):
    """Settings of Gidaris et al. 2019 (valeoai/BF3S).

    The release has configurations of the WRN alone, which learn the classes on all rotated copies
    ("RotAug"); off is the default of its ``rotation_utils.py``, and ours, which is for Conv-4.
    Beside the rotations, our default is the pretraining that all methods share.
    """

    pretrain: PretrainRecipe | None = PretrainRecipe(
        rotation=1.0,  # both losses count alike [config auxiliary_rotation_task_coef]
        rotation_classes=False,  # [rotation_utils.py rotation_invariant_classifier]
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # config/cifar/WRNd28w10CosineClassifierRotAugRotSelfsupervision.py
            "backbone": "wrn-28-10",
            "pretrain.rotation_classes": True,
            "pretrain.augment": "shift-flip",  # [cifar100_fewshot.py, mini_imagenet.py]
            "pretrain.epochs": 35,  # 21,000 batches, where an epoch has 600
            "pretrain.schedule": "step",
            "pretrain.warmup": 0.0,
            "pretrain.milestones": (20 / 21,),
        },
        "paper@mini-imagenet": {  # config/miniImageNet: 26,000 batches
            "pretrain.epochs": 43,
            "pretrain.milestones": (20 / 26, 23 / 26),
        },
    }
    published = ("cifar-fs", "mini-imagenet")
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
    convolution block in place of a residual group, so that it suits every backbone; and, but for
    preset ``paper``, in augmentation and schedule, which are those of all pretrainings here.
    """

    paper = Paper(
        "Boosting Few-Shot Visual Learning with Self-Supervision",
        "Gidaris et al.",
        "ICCV",
        2019,
        "https://arxiv.org/abs/1906.05186",
    )
    recipe: BF3SRecipe
