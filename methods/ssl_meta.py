"""SIB: refine a task's classifier with gradients inferred from its unlabelled queries."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, Refinement, methods
from fewshot_bench.ops.basic import prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe
from fewshot_bench.results import Setting


class SSLMetaRecipe(Recipe):
    """Settings of SIB; sources are files of the authors' release (hushell/sib_meta_learn)."""

    n_steps: int = Field(3, ge=0, description="synthetic-gradient steps K [main.py -k, config]")
    step_size: float = Field(
        1e-3, gt=0, description="of a step; the release uses the outer learning rate [algorithm.py]"
    )
    statistics: Literal["episode", "meta-batch"] = Field(
        "episode",
        description="whose queries share batch-norm statistics in training; the release has one "
        "episode a batch, so that both are one",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        steps=6000,  # release: 50,000; after 6,000 the val accuracy of Conv-4 no longer moves
        lr=1e-3,  # SGD, Nesterov 0.9, constant [config/*.yaml]
        weight_decay=5e-4,  # on the head alone: the paper's Gaussian prior
        val_every=500,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "wrn-28-10",  # [config/*.yaml]
            "train.steps": 50_000,  # [config/*.yaml]
            "train.val_every": 1000,  # [main.py]
            "train.augment": "natural",  # of each episode's images, embedded anew [main.py]
            "pretrain.epochs": 70,  # 10 of warm-up, then the 60 of the README [main_feat.py]
            "pretrain.schedule": "step",
            "pretrain.warmup": 10 / 70,
            "pretrain.milestones": (60 / 70,),
        }
    }
    published = ("cifar-fs", "mini-imagenet")


class GradientNet(nn.Module):
    """Infers d loss / d logits of each query from its logits.

    ReLU comes before batch norm, and batch norm always uses the statistics of the queries at
    hand: the release leaves ``netSIB.eval()`` out on purpose. It is ``dni_linear`` of the release's
    ``networks.py``.

    Args:
        n_way: length of the logits; fixed by the weights.
    """

    def __init__(self, n_way: int) -> None:
        super().__init__()
        hidden = 8 * n_way
        self.linears = nn.ModuleList(
            [nn.Linear(n_way, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, n_way)]
        )
        self.norms = nn.ModuleList(
            [nn.BatchNorm1d(hidden, track_running_stats=False) for _ in range(2)]
        )

    def forward(self, logits: Tensor, shared: bool) -> Tensor:
        """Map logits ``[T, Q, W]`` to their gradients; `shared` statistics span all T tasks."""
        dims = (0, 1) if shared else (1,)
        hidden = logits
        for linear, norm in zip(self.linears[:2], self.norms, strict=True):
            hidden = F.relu(linear(hidden))
            variance, mean = torch.var_mean(hidden, dims, correction=0, keepdim=True)
            hidden = (hidden - mean) * torch.rsqrt(variance + norm.eps)  # type: ignore[operator]
            hidden = hidden * norm.weight + norm.bias  # type: ignore[operator]
        gradient: Tensor = self.linears[2](hidden)
        return gradient


@methods.register("ssl-meta", "sib")
class SSLMeta(Method):
    """Cosine classifier, refined by K gradient steps inferred from the unlabelled queries.

    Initial class weights are means of normalised support embeddings times a learned diagonal.
    Each step moves them by the product of the logits' Jacobian with the gradients that a small
    network infers, *summed* over the queries. K = 0 is a learned-scale cosine ProtoNet.

    Departs from the release in one thing: embeddings for meta-training are computed once and not
    augmented anew for every episode.
    """

    setting: Setting = "transductive"
    label_symmetric = False
    paper = Paper(
        "Empirical Bayes Transductive Meta-Learning with Synthetic Gradients",
        "Hu et al.",
        "ICLR",
        2020,
        "https://openreview.net/forum?id=Hkg-xgrYvH",
    )
    recipe: SSLMetaRecipe

    def __init__(self, backbone: Backbone, recipe: SSLMetaRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(0.0))  # seen by the gradient network alone
        self.diagonal = nn.Parameter(torch.ones(backbone.out_dim))
        self.gradient_net = GradientNet(n_way)
        if recipe.n_steps == 0:
            self.setting = "inductive"

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Refine the class weights K times, then score; see `Method.classify`."""
        query = F.normalize(query, dim=-1)
        *_, weights = self.refined(support, support_labels, query, n_way)
        return self.score(query, weights)

    def refined(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Iterator[Tensor]:
        """Yield the class weights ``[T, W, D]`` after 0, 1 ... K steps; `query` is normalised."""
        if self.recipe.n_steps:
            self.require_way(n_way)
        weights = self.diagonal * prototypes(F.normalize(support, dim=-1), support_labels, n_way)
        yield weights
        shared = self.training and self.recipe.statistics == "meta-batch"
        for _ in range(self.recipe.n_steps):
            inferred = self.gradient_net(self.score(query, weights), shared)
            weights = weights - self.recipe.step_size * self.pull_back(query, weights, inferred)
            yield weights

    def refinements(self, episode: Episode) -> Iterator[Refinement]:
        """Yield every step, with the class weights; see `Method.refinements`."""
        e = self.embedded(episode)
        query = F.normalize(e.query, dim=-1)
        refined = self.refined(e.support, e.support_labels, query, e.n_way)
        for step, weights in enumerate(refined):
            yield Refinement(step, self.score(query, weights), weights)

    def score(self, query: Tensor, weights: Tensor) -> Tensor:
        """Logits scale · (bias + cos) of normalised ``[T, Q, D]`` with ``[T, W, D]``."""
        cosines = query @ F.normalize(weights, dim=-1).transpose(1, 2)
        return self.scale * (self.bias + cosines)

    def pull_back(self, query: Tensor, weights: Tensor, gradient: Tensor) -> Tensor:
        """Jacobian product (∂ score / ∂ weights)ᵀ gradient, ``[T, W, D]``, in closed form.

        Args:
            query: normalised, ``[T, Q, D]``.
            weights: ``[T, W, D]``.
            gradient: with respect to the logits, ``[T, Q, W]``.
        """
        # As F.normalize does: an all-zero weight has length epsilon, and no direction of its own.
        norm = weights.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        unit = weights / norm
        pulled = gradient.transpose(1, 2) @ query
        tangent = pulled - unit * (unit * pulled).sum(-1, keepdim=True)
        moved: Tensor = self.scale * tangent / norm
        return moved
