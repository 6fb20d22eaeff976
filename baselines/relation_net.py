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
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe, every


class RelationNetRecipe(Recipe):
    """Settings of Sung et al. 2018 and floodsung/LearningToCompare_FSL (``miniimagenet/``)."""

    channels: int = Field(64, ge=1, description="of both convolutions [RelationNetwork]")
    hidden: int = Field(8, ge=1, description="width of the last layer but one [-r]")
    linear_std: float | None = Field(
        None,
        gt=0,
        description="deviation of the linear layers' first weights, whose biases then are 1 "
        "[weights_init: 0.01]; none: PyTorch's",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        steps=4000,  # release: 500,000, end to end
        tasks_per_step=4,  # release: 1
        n_query=15,  # [-b]
        optimizer="adam",
        lr=1e-3,  # [-l]
        schedule="one-cycle",  # release: halved every 100,000 episodes
        warmup=0.05,
        clip_norm=0.5,
        clip_norm_of="modules",  # encoder and relation module apart
        val_every=500,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.n_query": 10}}  # [-b]
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # [miniimagenet/miniimagenet_train_one_shot.py]
            "backbone": "conv4-relation",
            "linear_std": 0.01,
            "pretrain": None,
            "train.frozen": False,
            "train.steps": 500_000,
            "train.tasks_per_step": 1,
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": every(100_000, 500_000),
            "train.gamma": 0.5,
            "train.val_every": 5000,
        },
        "paper@omniglot": {  # [omniglot/omniglot_train_one_shot.py]; of 20 ways: 10 queries, 5
            "train.steps": 1_000_000,
            "train.milestones": every(100_000, 1_000_000),
            "train.n_query": 19,
        },
        "paper@omniglot:5": {"train.n_query": 15},  # [omniglot/omniglot_train_few_shot.py]
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")


class RelationModule(nn.Module):
    """Compares two feature maps by two convolutions and two linear layers (``RelationNetwork``).

    Maps of 10 places a side or more are convolved without padding, as in the release's network
    for mini-ImageNet (19x19 shrink to 3x3); smaller ones with, as in its network for Omniglot
    (5x5 shrink to 1x1). Poolings leave out what remains at the edge; of maps of fewer than 4
    places, which the release has none of, they keep it.

    Args:
        map_shape: ``(channels, height, width)`` of either map.
        channels: of both convolutions.
        hidden: width of the last layer but one.
        linear_std: standard deviation of the linear layers' first weights, whose biases then
            are 1; none: as PyTorch has them.
    """

    def __init__(
        self, map_shape: tuple[int, int, int], channels: int, hidden: int, linear_std: float | None
    ) -> None:
        super().__init__()
        depth, *sides = map_shape
        padding, round_up = int(min(sides) < 10), min(sides) < 4
        pool = nn.MaxPool2d(2, ceil_mode=round_up)

        def convolution(before: int) -> nn.Conv2d:
            return nn.Conv2d(before, channels, 3, padding=padding, bias=False)

        def shrunk(side: int) -> int:
            for _ in range(2):
                side = (side - 2 * (1 - padding) + round_up) // 2
            return side

        # The first convolution, of two maps one after the other, is the sum of one of each.
        self.of_class, self.of_query = convolution(depth), convolution(depth)
        self.relation = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.ReLU(), pool),
            *(convolution(channels), nn.BatchNorm2d(channels), nn.ReLU(), pool, nn.Flatten()),
            *(nn.Linear(channels * shrunk(sides[0]) * shrunk(sides[1]), hidden), nn.ReLU()),
            nn.Linear(hidden, 1),
        )
        init_convolutions(self)
        if linear_std is not None:
            for linear in (self.relation[8], self.relation[10]):
                nn.init.normal_(linear.weight, std=linear_std)  # type: ignore[arg-type]
                nn.init.ones_(linear.bias)  # type: ignore[arg-type]

    def forward(self, classes: Tensor, query: Tensor) -> Tensor:
        """Logits ``[T, Q, W]`` of the relations of maps ``[T, W, ...]`` and ``[T, Q, ...]``."""
        of_class = self.of_class(classes.flatten(0, 1)).unflatten(0, classes.shape[:2])
        of_query = self.of_query(query.flatten(0, 1)).unflatten(0, query.shape[:2])
        pairs = of_query[:, :, None] + of_class[:, None]
        logits: Tensor = self.relation(pairs.flatten(0, 2))
        return logits.view(pairs.shape[:3])


@methods.register("relation-net", "relation-network")
class RelationNet(Method):
    """Score each query by a network that compares its feature map with the mean map of a class.

    Departs from the release in three things. Batch norm has running statistics at meta-test,
    which makes the method inductive; the release never leaves the training mode, and so
    normalises by the queries at hand, equally many of each class. A class is the mean of its
    maps, not the sum: the same up to the scale of the weights, but fit for another number of
    shots. Linear layers start from PyTorch's usual weights, unless `linear_std` says otherwise.
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
        self.relation = RelationModule(
            self.map_shape, recipe.channels, recipe.hidden, recipe.linear_std
        )

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the relation scores of all pairs of query and class."""
        classes = self.maps(prototypes(support, support_labels, n_way))
        scores: Tensor = self.relation(classes, self.maps(query))
        return scores

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Mean squared error of the relation scores, in [0, 1], to 1 for the query's class."""
        scores = self(episode).sigmoid()
        return F.mse_loss(scores, one_hot(query_labels, episode.n_way, scores))
