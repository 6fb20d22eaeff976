"""Relation network: a small convolutional network learns how to compare two feature maps."""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, init_convolutions
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class RelationNetRecipe(Recipe):
    """Settings of Sung et al. 2018 and floodsung/LearningToCompare_FSL (``miniimagenet/``)."""

    channels: int = Field(64, ge=1, description="of both convolutions [RelationNetwork]")
    hidden: int = Field(8, ge=1, description="width of the last layer but one [-r]")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        steps=4000,  # release: 500,000, end to end
        tasks_per_step=4,  # release: 1
        n_query=15,  # [-b]
        optimizer="adam",
        lr=1e-3,  # [-l]
        schedule="one-cycle",  # release: halved every 100,000 episodes
        warmup=0.05,
        clip_norm=0.5,  # the release clips encoder and relation module apart
        val_every=500,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.n_query": 10}}  # [-b]
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "pretrain": None,
            "train.frozen": False,
            "train.steps": 500_000,
            "train.tasks_per_step": 1,
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": (0.2, 0.4, 0.6, 0.8),
            "train.gamma": 0.5,
            "train.val_every": 5000,
        }
    }


@methods.register("relation-net", "relation-network")
class RelationNet(Method):
    """Score each query by a network that compares its feature map with the mean map of a class.

    Departs from the release in four things. Batch norm has running statistics at meta-test, which
    makes the method inductive; the release never leaves the training mode, and so normalises by
    the queries at hand, equally many of each class. A class is the mean of its maps, not the sum:
    the same up to the scale of the weights, but fit for another number of shots. Convolutions are
    padded and poolings round up, since maps here are smaller than 19x19. The linear layers start
    from PyTorch's usual weights, not from N(0, 0.01²) and biases of 1.
    """

    setting = "inductive"
    needs_maps = True
    at_once = AtOnce(tasks=32)
    paper = Paper(
        "Learning to Compare: Relation Network for Few-Shot Learning",
        "Sung et al.",
        "CVPR",
        2018,
        "https://arxiv.org/abs/1711.06025",
    )
    recipe: RelationNetRecipe

    def __init__(self, backbone: Backbone, recipe: RelationNetRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        depth, height, width = self.map_shape
        # The first convolution, of two maps one after the other, is the sum of one of each.
        self.of_class = nn.Conv2d(depth, recipe.channels, 3, padding=1, bias=False)
        self.of_query = nn.Conv2d(depth, recipe.channels, 3, padding=1, bias=False)
        self.relation = nn.Sequential(
            *_norm_and_pool(recipe.channels),
            nn.Conv2d(recipe.channels, recipe.channels, 3, padding=1, bias=False),
            *_norm_and_pool(recipe.channels),
            nn.Flatten(),
            nn.Linear(recipe.channels * -(-height // 4) * -(-width // 4), recipe.hidden),
            nn.ReLU(),
            nn.Linear(recipe.hidden, 1),
        )
        for part in (self.of_class, self.of_query, self.relation):
            init_convolutions(part)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the relation scores of all pairs of query and class."""
        classes = self.maps(prototypes(support, support_labels, n_way))
        of_class = self.of_class(classes.flatten(0, 1)).unflatten(0, classes.shape[:2])
        of_query = self.of_query(self.maps(query).flatten(0, 1)).unflatten(0, query.shape[:2])
        pairs = of_query[:, :, None] + of_class[:, None]
        scores: Tensor = self.relation(pairs.flatten(0, 2))
        return scores.view(*query.shape[:2], n_way)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Mean squared error of the relation scores, in [0, 1], to 1 for the query's class."""
        scores = self(episode).sigmoid()
        return F.mse_loss(scores, one_hot(query_labels, episode.n_way, scores))


def _norm_and_pool(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
