"""TPN: labels spread over a graph of support and queries, whose bandwidths are learned."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot, squared_distances
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class TPNRecipe(Recipe):
    """Settings of Liu et al. 2019 and csyanbin/TPN (``train.py``)."""

    alpha: float = Field(0.99, gt=0, lt=1, description="share that spreads on [alpha]")
    n_neighbours: int = Field(20, ge=1, description="edges kept of each image, its own too [k]")
    bandwidth: float = Field(
        0.25,
        gt=0,
        description="unit of the learned bandwidths, in root mean square distances between train "
        "images; on val 0.15 to 0.25 did best as the only bandwidth, 0.5 was at chance",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=3000,  # release: the models it tests took 81,500 (1 shot), 50,100 (5 shots)
        optimizer="adam",  # ways, shots and queries as tested, as in the release
        lr=1e-3,
        schedule="one-cycle",  # paper: halved every 10,000 episodes
        warmup=0.05,
        augment="natural",  # paper: none
        val_every=500,
        val_episodes=500,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "pretrain": None,
            "train.steps": 80_000,
            "train.val_every": 1000,
            "train.augment": "none",
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": tuple(k / 8 for k in range(1, 8)),
            "train.gamma": 0.5,
        }
    }


class BandwidthNet(nn.Module):
    """Infers the bandwidth of each image from its feature map (release: ``relation``).

    Pooling rounds sizes up, as TensorFlow's does: maps of 1x1 will do.

    Args:
        map_shape: ``(channels, height, width)`` of the maps.
    """

    def __init__(self, map_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = map_shape
        self.blocks = nn.Sequential(_block(channels, 64), _block(64, 1), nn.Flatten())
        self.hidden = nn.Linear(-(-height // 4) * -(-width // 4), 8)
        self.out = nn.Linear(8, 1)
        nn.init.normal_(self.out.weight, std=0.1)
        nn.init.ones_(self.out.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to bandwidths ``[N, 1]``."""
        bandwidths: Tensor = self.out(F.relu(self.hidden(self.blocks(maps))))
        return bandwidths


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
    )


@methods.register("tpn")
class TPN(Method):
    """Propagate the support's labels to all queries, in closed form, over a learned graph.

    Departs from the release in how bandwidths start: all near the recipe's, in units of the
    spread of the train embeddings; there near 0 and of either sign. What starts too wide joins
    all images alike, and takes long to learn.
    """

    setting = "transductive"
    needs_maps = True
    uses_base = True
    at_once = AtOnce(tasks=256)
    paper = Paper(
        "Learning to Propagate Labels: Transductive Propagation Network for Few-shot Learning",
        "Liu et al.",
        "ICLR",
        2019,
        "https://arxiv.org/abs/1805.10002",
    )
    recipe: TPNRecipe
    spread: Tensor

    def __init__(self, backbone: Backbone, recipe: TPNRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.bandwidth_net = BandwidthNet(self.map_shape)
        self.register_buffer("spread", torch.tensor(1.0))

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Keep the root mean square distance of train images, in each dimension."""
        self.spread.copy_((2 * embeddings.var(0).mean()).sqrt())

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return what reached the queries of each label."""
        return self.propagate(support, support_labels, query, n_way)[:, support.shape[1] :]

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of support and queries together, as the paper's equation 7."""
        e = self.embedded(episode)
        spread = self.propagate(e.support, e.support_labels, e.query, e.n_way)
        labels = torch.cat([e.support_labels, query_labels], dim=1)
        return F.cross_entropy(spread.flatten(0, 1), labels.flatten())

    def propagate(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Solve ``(I - alpha S) F = Y``; ``[T, S + Q, n_way]``, support first."""
        images = torch.cat([support, query], dim=1)
        labels = F.pad(one_hot(support_labels, n_way, support), (0, 0, 0, query.shape[1]))
        graph = self.graph(images)
        identity = torch.eye(images.shape[1], dtype=graph.dtype, device=graph.device)
        arrived: Tensor = torch.linalg.solve(identity - self.recipe.alpha * graph, labels)
        return arrived

    def graph(self, images: Tensor) -> Tensor:
        """Join nearest neighbours of ``[T, N, D]``, normalised by degrees: ``[T, N, N]``."""
        relative = self.bandwidth_net(self.maps(images).flatten(0, 1))
        bandwidths = self.recipe.bandwidth * self.spread * relative
        points = images / bandwidths.reshape(*images.shape[:2], 1)
        edges = (-squared_distances(points, points) / (2 * images.shape[-1])).exp()
        nearest = edges.topk(min(self.recipe.n_neighbours, edges.shape[-1])).indices
        kept = torch.zeros_like(edges, dtype=torch.bool).scatter_(2, nearest, value=True)
        edges = edges * (kept | kept.transpose(1, 2))
        scale = edges.sum(2, keepdim=True).rsqrt()
        return scale * edges * scale.transpose(1, 2)
