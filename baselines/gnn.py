"""GNN: labels pass from the support to a query along the edges of a learned graph."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases import graph_nets
from fewshot_bench.bases.graph_nets import EdgeNet, FoldedEdgeNet, GraphLayer
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe, every


class GNNRecipe(Recipe):
    """Settings of Garcia & Bruna 2018 and vgsatorras/few-shot-gnn (``models/``, mini-ImageNet)."""

    embedding_width: int = Field(128, ge=1, description="of the linear layer before the graph")
    edge_width: int = Field(
        48,
        ge=2,
        description="nf: an edge's network has 2, 2, 1, 1 times it; release: 96, which costs "
        "three times as much and, in a short training, is no better",
    )
    n_layers: int = Field(2, ge=0, description="graph layers before the last; each adds nf/2")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        steps=2000,  # release: 80,000 (1 shot), 90,000 (5 shots), end to end
        tasks_per_step=20,  # release: 100 episodes of one query; here 20 of five
        n_query=1,
        optimizer="adam",
        lr=1e-3,
        weight_decay=1e-6,
        schedule="one-cycle",  # release: halved every 15,000 steps
        warmup=0.05,
        val_every=400,
        val_episodes=300,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {"train.tasks_per_step": 8, "train.steps": 1000, "train.val_every": 250}  # 40 graphs
    }
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # [README's commands for mini-ImageNet, main.py]
            "backbone": "conv4-gnn",
            "edge_width": 96,
            "pretrain": None,
            "train.frozen": False,
            "train.steps": 80_000,
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": every(15_000, 80_000),
            "train.gamma": 0.5,
            "train.val_every": 1000,
        },
        "paper:5": {"train.steps": 90_000, "train.milestones": every(15_000, 90_000)},
        "paper@omniglot": {  # [README's commands for Omniglot]
            "backbone": "conv4-gnn-omniglot",
            "embedding_width": 64,
            "train.steps": 100_000,
            "train.tasks_per_step": 60,  # release: 300 graphs, of one query each
            "train.milestones": every(10_000, 100_000),
            "train.weight_decay": 0.0,
        },
        "paper@omniglot:5": {
            "train.steps": 80_000,
            "train.tasks_per_step": 20,
            "train.milestones": every(10_000, 80_000),
        },
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")


@methods.register("gnn", "graph-neural-network")
class GNN(Method):
    """Graph of the support and one query; learned edges carry the labels to the query.

    Nodes are embeddings with the one-hot label, uniform for the query (paper; the release has
    zeros). Each query has a graph of its own, so that no answer depends on other queries. Departs
    from the release in the batch norms of the edges: they see every pair once, none of a node
    with itself, in the first layer the pairs of the support once for all queries, and in the last
    layer the query's edges alone, since no other can change the answer. The graph is that of the
    release for mini-ImageNet on every data set; for Omniglot it has other widths there, and
    dropout and a batch norm at its end.
    """

    setting = "inductive"
    label_symmetric = False
    at_once = AtOnce(tasks=16)
    paper = Paper(
        "Few-Shot Learning with Graph Neural Networks",
        "Garcia & Bruna",
        "ICLR",
        2018,
        "https://arxiv.org/abs/1711.04043",
    )
    recipe: GNNRecipe

    def __init__(self, backbone: Backbone, recipe: GNNRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        width, growth = recipe.edge_width, recipe.edge_width // 2
        self.embedding = nn.Sequential(
            nn.Linear(self.embedding_dim, recipe.embedding_width),
            nn.BatchNorm1d(recipe.embedding_width),
        )
        sizes = [recipe.embedding_width + n_way + k * growth for k in range(recipe.n_layers + 1)]
        self.layers = nn.ModuleList([GraphLayer(size, width) for size in sizes[:-1]])
        self.last_edges = EdgeNet(sizes[-1], width)
        self.answer = nn.Linear(2 * sizes[-1], n_way)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Build the nodes and let labels spread; see `Method.classify`."""
        self.require_way(n_way)
        n_support = support.shape[1]
        images = torch.cat([support, query], dim=1)
        embedded = self.embedding(images.flatten(0, 1)).view(*images.shape[:2], -1)
        labels = one_hot(support_labels, n_way, embedded)
        unknown = labels.new_full((*query.shape[:2], n_way), 1 / n_way)
        nodes = torch.cat([embedded, torch.cat([labels, unknown], dim=1)], dim=-1)
        support, query = nodes[:, None, :n_support], nodes[:, n_support:, None]
        if self.training:
            return self.spread(support, query)
        edges = [net.folded() for net in self.modules() if isinstance(net, EdgeNet)]
        n_pairs = query.shape[1] * n_support * (n_support + 1) // 2
        parts = (
            torch.split(x, max(1, graph_nets.PAIRS_PER_CHUNK // n_pairs)) for x in (support, query)
        )
        return torch.cat([self.spread(s, q, edges) for s, q in zip(*parts, strict=True)])

    def spread(
        self, support: Tensor, query: Tensor, edges: Sequence[FoldedEdgeNet] | None = None
    ) -> Tensor:
        """Map nodes ``[T, 1, S, F]`` and ``[T, Q, 1, F]`` to scores ``[T, Q, n_way]``.

        The networks of the edges, of one layer after the other, are given in evaluation.
        """
        n_shared = support.shape[-1]
        nets: Sequence[FoldedEdgeNet | None] = edges or [None] * (len(self.layers) + 1)
        *of_layers, last = nets
        for layer, of_layer in zip(self.layers, of_layers, strict=True):
            support, query = layer(support, query, of_layer, n_shared)
        apart = (support - query).abs()
        logits = last(apart) if last else self.last_edges(apart)[0]
        read = logits.softmax(-1)[:, :, None] @ support
        scores: Tensor = self.answer(torch.cat([query, read], dim=-1)).squeeze(2)
        return scores
