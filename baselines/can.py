"""CAN: where to look in a query and in a class depends on both, by cross attention of maps."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe
from fewshot_bench.results import Setting


class CANRecipe(Recipe):
    """Settings of Hou et al. 2019; files are those of blue-blue272/fewshot-CAN."""

    scale: float = Field(7.0, gt=0, description="of cosines [args_xent.py scale_cls]")
    hidden: int = Field(6, ge=1, description="width of the fusion layer [models/cam.py]")
    temperature: float = Field(0.025, gt=0, description="of the attention [models/cam.py]")
    nearest_weight: float = Field(
        0.5, ge=0, description="of the episodes' loss beside that of all train classes [train.py]"
    )
    n_rounds: int = Field(
        0,
        ge=0,
        le=2,
        description="in round i the i * 35 / 75 of the queries that are surest join the support at "
        "meta-test, which makes it transductive; CAN+T: 2 [models/net.py]",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,  # paper: 27,000, from random weights
        tasks_per_step=4,  # [args_xent.py train_batch]
        n_query=6,  # [args_xent.py train_nTestNovel]
        optimizer="adam",  # paper: SGD
        lr=1e-3,
        schedule="one-cycle",
        warmup=0.05,
        augment="natural",  # release: crop, flip and random erasing [data_manager.py]
        val_every=300,
        val_episodes=500,
    )

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"nearest_weight": (0.5, 1.0)}
    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.steps": 1000, "train.val_every": 200}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # [args_xent.py]
            "backbone": "resnet12-can",
            "pretrain": None,
            "train.steps": 27_000,  # 90 epochs of 1,200 episodes, four a step
            "train.optimizer": "sgd",
            "train.lr": 0.1,
            "train.weight_decay": 5e-4,
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": (60 / 90, 70 / 90, 80 / 90),
            "train.gamma": 0.134,  # [LUT_lr]: x 0.06, 0.2, 0.2, which ends at the same rate
            "train.val_every": 1000,
        },
        "paper@tiered-imagenet": {  # [args_tiered.py]
            "train.steps": 279_600,  # 80 epochs of 13,980 episodes, four a step
            "train.milestones": (20 / 80, 40 / 80, 60 / 80),
            "train.gamma": 0.1,
        },
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "tiered-imagenet")


class CrossAttention(nn.Module):
    """Weights of the places of one map, given another: softmax plus one (``models/cam.py``).

    The cosines of a place with all places of the other map are averaged with weights that the
    fusion layer infers from the cosines' mean over this map's places. Cosines are linear in either
    map, so that both means are taken of the maps, and the cosines of all pairs of places are never
    computed: the same, at a fraction of the work.

    Args:
        n_places: height times width of both maps, m.
        hidden: width of the fusion layer.
        temperature: of the softmax.
    """

    def __init__(self, n_places: int, hidden: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        squeeze, expand = nn.Linear(n_places, hidden), nn.Linear(hidden, n_places)
        for linear in (squeeze, expand):
            nn.init.normal_(linear.weight, std=(2 / linear.out_features) ** 0.5)
        self.fusion = nn.Sequential(squeeze, nn.BatchNorm1d(hidden), nn.ReLU(), expand)

    def forward(self, maps: Tensor, others: Tensor) -> Tensor:
        """Return weights ``[T, A, B, m]`` of the places of ``[T, A, C, m]`` given ``[T, B, ...]``.

        They sum to m + 1 over the places.
        """
        maps, others = F.normalize(maps, dim=2), F.normalize(others, dim=2)
        means = torch.einsum("tac,tbcm->tabm", maps.mean(-1), others)
        kernels = self.fusion(means.flatten(0, 2)).view_as(means) / means.shape[-1]
        fused = torch.einsum("tabm,tbcm->tabc", kernels, others)
        weights = torch.einsum("tabc,tacm->tabm", fused, maps) / self.temperature
        return weights.softmax(-1) + 1


@methods.register("can", "cross-attention")
class CAN(Method):
    """Cosine between a query's map and the map of a class, both weighted by cross attention.

    In meta-training every place of a query is classified: among the classes of the task, and,
    by a linear layer, among all train classes.

    Departs from the release in that the linear layers that fuse correlations keep their width of 6
    for maps of any size (the paper: a sixth of the places).
    """

    setting: Setting = "inductive"
    needs_maps = True
    uses_base = True
    at_once = AtOnce(tasks=32)
    paper = Paper(
        "Cross Attention Network for Few-shot Classification",
        "Hou et al.",
        "NeurIPS",
        2019,
        "https://arxiv.org/abs/1910.07677",
    )
    recipe: CANRecipe
    classifier: nn.Linear

    def __init__(self, backbone: Backbone, recipe: CANRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        _, height, width = self.map_shape
        self.attention = CrossAttention(height * width, recipe.hidden, recipe.temperature)
        if recipe.n_rounds:
            self.setting = "transductive"

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Make the classifier of the train classes."""
        n_classes = int(labels.max()) + 1
        self.classifier = nn.Linear(self.map_shape[0], n_classes).to(embeddings)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return scaled cosines, perhaps after some rounds in which queries join the support."""
        images = torch.cat([support, query], dim=1)
        known = one_hot(support_labels, n_way, support)
        scores = self.score(query, prototypes(support, support_labels, n_way))
        for index in range(1, self.recipe.n_rounds + 1):
            n_surest = index * 35 * query.shape[1] // 75
            members = torch.cat([known, surest(scores, n_surest)], dim=1)
            means = (members / members.sum(1, keepdim=True)).transpose(1, 2) @ images
            scores = self.score(query, means)
        return scores

    def score(self, query: Tensor, classes: Tensor) -> Tensor:
        """Compare maps ``[T, Q, D]`` with ``[T, n_way, D]``, both pooled as attention weights."""
        queries, classes = self.places(query), self.places(classes)
        of_query, of_class = self.pool(queries, classes), self.pool(classes, queries)
        return self.recipe.scale * F.cosine_similarity(of_query, of_class.transpose(1, 2), dim=-1)

    def places(self, embeddings: Tensor) -> Tensor:
        """Unfold embeddings ``[T, N, D]`` to ``[T, N, C, m]``, m places of C channels."""
        return self.maps(embeddings).flatten(3)

    def pool(self, maps: Tensor, others: Tensor) -> Tensor:
        """Sum ``[T, A, C, m]`` over places, weighted given each other: ``[T, A, B, C]``."""
        return torch.einsum("tabm,tacm->tabc", self.attention(maps, others), maps)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of all places of the queries, in the task and among the train classes."""
        e = self.embedded(episode)
        if e.classes is None:
            raise TypeError("training episodes say which classes of the train split they have")
        queries = self.places(e.query)
        classes = self.places(prototypes(e.support, e.support_labels, e.n_way))
        weights = self.attention(queries, classes)
        of_class = F.normalize(self.pool(classes, queries), dim=-1)
        directions = F.normalize(queries, dim=2)  # the attention cancels
        cosines = torch.einsum("tkqc,tqcm->tqmk", of_class, directions)
        error = _mean_error(self.recipe.scale * cosines, query_labels)
        own = weights.take_along_dim(query_labels[..., None, None], dim=2)  # [T, Q, 1, m]
        logits = self.classifier((own * queries).transpose(2, 3))
        among_all = _mean_error(logits, e.classes.gather(1, query_labels))
        return among_all + self.recipe.nearest_weight * error


def surest(scores: Tensor, n: int) -> Tensor:
    """One-hot answers of the n queries of largest score, zeros for others; ``[T, Q, n_way]``."""
    best, answers = scores.max(-1)
    chosen = torch.zeros_like(best).scatter(1, best.topk(n, dim=1).indices, 1.0)
    return one_hot(answers, scores.shape[-1], scores) * chosen[..., None]


def _mean_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of ``[T, Q, m, classes]`` to the labels ``[T, Q]`` of the queries."""
    targets = labels[..., None].expand(logits.shape[:3])
    return F.cross_entropy(logits.flatten(0, 2), targets.flatten())
