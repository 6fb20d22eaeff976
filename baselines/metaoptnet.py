"""MetaOptNet: embeddings trained through the exact solution of a linear classifier."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot, ridge
from fewshot_bench.ops.crammer_singer import crammer_singer
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe

_DATA_SETS = ("mini-imagenet", "tiered-imagenet", "cifar-fs", "fc100")


_TRAIN = TrainRecipe(
    frozen=False,
    steps=1500,  # paper: 60 epochs of 1,000
    tasks_per_step=4,  # paper: 8
    n_shot=5,  # at every test shot, as on CIFAR-FS [README]
    n_query=6,
    optimizer="adam",  # paper: SGD at 0.1, with a weight decay of 5e-4
    lr=1e-3,
    schedule="one-cycle",
    warmup=0.05,
    augment="natural",
    val_every=300,
    val_episodes=500,
)


class MetaOptNetRecipe(Recipe):
    """Settings of Lee et al. 2019 and kjunelee/MetaOptNet (``train.py``)."""

    scale: float = Field(
        10.0,
        gt=0,
        description="initial value of the logits' learned scale; release: 1, which takes its "
        "long training to grow",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="shared by the wrong classes; paper: 0.1 on miniImageNet [README --eps]",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = _TRAIN

    published: ClassVar[tuple[str, ...]] = _DATA_SETS
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "resnet12-metaopt",
            "scale": 1.0,
            "label_smoothing": 0.1,  # [README --eps]
            "pretrain": None,
            "train.backbone_lr": 1.0,
            "train.steps": 60_000,
            "train.n_shot": 15,  # [README --train-shot]
            "train.tasks_per_step": 8,
            "train.optimizer": "sgd",
            "train.lr": 0.1,
            "train.weight_decay": 5e-4,
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": (19 / 60,) * 7 + (39 / 60,) * 4 + (49 / 60,) * 4,
            "train.gamma": 0.2**0.25,  # its powers are x 0.06, 0.012, 0.0024 from epoch 20, 40, 50
            "train.val_every": 1000,
            "train.val_episodes": 2000,
        },
        # [README: commands]
        "paper@tiered-imagenet": {"train.n_shot": 10, "label_smoothing": 0.0},
        "paper@cifar-fs": {"train.n_shot": 5, "label_smoothing": 0.0},
        "paper@fc100": {"train.n_shot": 15, "label_smoothing": 0.0},
    }


class MetaOptNet(Method):
    """Scores are inner products with the support, mixed by a learner's coefficients."""

    setting = "inductive"
    at_once = AtOnce(numbers=10_000_000)
    paper = Paper(
        "Meta-Learning with Differentiable Convex Optimization",
        "Lee et al.",
        "CVPR",
        2019,
        "https://arxiv.org/abs/1904.03758",
    )
    recipe: MetaOptNetRecipe

    def __init__(self, backbone: Backbone, recipe: MetaOptNetRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.scale = nn.Parameter(torch.tensor(recipe.scale))

    def coefficients(self, gram: Tensor, targets: Tensor) -> Tensor:
        """Fit inner products ``[T, S, S]`` to one-hot labels: the support's ``[T, S, n_way]``."""
        raise TypeError(f"{type(self).__name__} defines no coefficients")

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the scaled scores of the classifier fitted to the support."""
        columns = support.transpose(1, 2)
        mix = self.coefficients(support @ columns, one_hot(support_labels, n_way, support))
        return self.scale * (query @ (columns @ mix))

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of the queries, with smoothed labels if the recipe says so."""
        # PyTorch spreads its smoothing over all classes, the right one too.
        smoothing = self.recipe.label_smoothing * episode.n_way / (episode.n_way - 1)
        scores = self(episode).flatten(0, 1)
        return F.cross_entropy(scores, query_labels.flatten(), label_smoothing=smoothing)


class MetaOptNetRRRecipe(MetaOptNetRecipe):
    """Ridge regression, see ``MetaOptNetHead_Ridge``."""

    regulariser: float = Field(50.0, gt=0, description="lambda_reg [classification_heads.py]")


@methods.register("metaoptnet-rr")
class MetaOptNetRR(MetaOptNet):
    """Ridge regression of the labels on the support, without bias; trained through its solution."""

    recipe: MetaOptNetRRRecipe

    def coefficients(self, gram: Tensor, targets: Tensor) -> Tensor:
        """Return the closed form; the release's targets are 2, as it minimises half the square."""
        return ridge(gram, 2 * targets, self.recipe.regulariser)


class MetaOptNetSVMRecipe(MetaOptNetRecipe):
    """Support vector machine, see ``MetaOptNetHead_SVM_CS``."""

    C: float = Field(0.1, gt=0, description="bound of the dual [classification_heads.py C_reg]")
    scale: float = Field(
        3.0,
        gt=0,
        description="initial value of the logits' learned scale [train.py: 1]; with 10 and a "
        "backbone that moves ten times as fast, CIFAR-FS val stayed under that of class means",
    )
    train: TrainRecipe | None = _TRAIN.model_copy(update={"backbone_lr": 0.1})


@methods.register("metaoptnet-svm", "metaoptnet")
class MetaOptNetSVM(MetaOptNet):
    """Multi-class support vector machine fitted to the support; trained through its solution.

    The dual is solved exactly; the release takes three interior-point steps at test.
    """

    recipe: MetaOptNetSVMRecipe

    def coefficients(self, gram: Tensor, targets: Tensor) -> Tensor:
        """Solve the dual, with the identity that the release adds to make `gram` definite."""
        kernel = gram.double() + torch.eye(gram.shape[1], device=gram.device)
        return crammer_singer(kernel, targets.double(), self.recipe.C).to(gram.dtype)
