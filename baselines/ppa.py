"""PPA: a network that turns the activations of a few images into the weights of a classifier."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class PPARecipe(Recipe):
    """Settings of Qiao et al. 2018; files are those of joe-siyuan-qiao/FewShot-CVPR."""

    single: float = Field(
        0.7,
        ge=0,
        le=1,
        description="probability that a class is predicted from one image in training, else from "
        "the mean of all its images [DataSamplerFFt.lua]",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        steps=12_500,  # 50 epochs of 250 [trainWeightNet.lua]
        n_way=10_000,  # that is, all classes of the train split [section 3.2]
        n_shot=1,
        n_query=1,  # another image of each class [DataSamplerFFt.lua]
        lr=1e-3,  # [TrainerWeightNet.lua]
        nesterov=False,  # [TrainerWeightNet.lua]
        weight_decay=5e-4,  # [trainWeightNet.lua]
        val_every=2500,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # of the backbone: fb.resnet.torch's, with a rate that falls for other data only
            "backbone": "wrn-28-10",
            "pretrain.head": "linear",
            "pretrain.epochs": 300,
            "pretrain.batch_size": 64,
            "pretrain.lr": 0.1,  # with Nesterov's momentum [train_large/train.lua]
            "pretrain.weight_decay": 1e-4,
            "pretrain.schedule": "constant",
            "pretrain.warmup": 0.0,
            "pretrain.augment": "natural",
        }
    }
    published = ("mini-imagenet",)


class PredictorNet(nn.Module):
    """Two linear layers with a ReLU between, both the identity at first (``WeightNet.lua``).

    Args:
        dim: length D of activations and weights.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linears = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))
        for name, parameter in self.linears.named_parameters():
            if name.endswith("weight"):
                nn.init.eye_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, activations: Tensor) -> Tensor:
        """Map activations ``[..., D]`` to class weights ``[..., D]`` of unit length."""
        return F.normalize(self.linears(F.normalize(activations, dim=-1)), dim=-1)


@methods.register("ppa", "activations-to-parameters")
class PPA(Method):
    """Predict each class's weights from its mean embedding, by a map learned on all train classes.

    The map is learned on frozen embeddings; each step classifies images of all train classes.
    Scores are dot products with the query's embedding as it is, not normalised. Departs from the
    paper in its data: the authors train on train and val classes together, here val selects.
    """

    setting = "inductive"
    uses_base = True
    without_base: ClassVar[Overrides] = {"train": None}
    paper = Paper(
        "Few-Shot Image Recognition by Predicting Parameters from Activations",
        "Qiao et al.",
        "CVPR",
        2018,
        "https://arxiv.org/abs/1706.03466",
    )
    recipe: PPARecipe
    class_means: Tensor

    def __init__(self, backbone: Backbone, recipe: PPARecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.train is not None and not recipe.train.frozen:
            raise UsageError("ppa learns from embeddings of fixed weights; leave train.frozen=true")
        self.uses_base = recipe.train is not None  # in its loss alone
        self.predictor = PredictorNet(self.embedding_dim)

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Keep the mean embedding of each train class, ``[n_classes, D]``."""
        n_classes = int(labels.max()) + 1
        means = prototypes(embeddings[None], labels[None], n_classes)[0]
        self.register_buffer("class_means", means)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Score by weights predicted from the class means, see `Method.classify`."""
        return self.score(query, prototypes(support, support_labels, n_way))

    def score(self, query: Tensor, activations: Tensor) -> Tensor:
        """Dot products ``[T, Q, W]`` of queries with weights from activations ``[T, W, D]``."""
        weights: Tensor = self.predictor(activations)
        return query @ weights.transpose(1, 2)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy, some classes being predicted from the mean of all their images."""
        e = self.embedded(episode)
        if e.classes is None:
            raise TypeError("training episodes say which classes of the train split they have")
        activations = prototypes(e.support, e.support_labels, e.n_way)
        single = torch.rand(e.classes.shape, device=e.classes.device) < self.recipe.single
        activations = torch.where(single[..., None], activations, self.class_means[e.classes])
        scores = self.score(e.query, activations)
        return F.cross_entropy(scores.flatten(0, 1), query_labels.flatten())
