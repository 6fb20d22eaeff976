"""SNAIL: an episode is a sequence, and the label of its last item is predicted."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class SNAILRecipe(Recipe):
    """Settings of Mishra et al. 2018, appendix; the authors released no code.

    eambutu/snail-pytorch is a re-implementation.
    """

    embedding_width: int = Field(64, ge=1, description="paper: 64 (Omniglot), 384 (mini-ImageNet)")
    filters: int = Field(
        32,
        ge=4,
        description="of a temporal convolution; keys of the attentions have 1/2, 2 and 4 times as "
        "many entries, values half of that; paper: 128, small here for a short training",
    )
    max_shot: int = Field(
        5,
        ge=1,
        description="shots that the convolutions span; more are allowed, but seen by attention "
        "alone; paper: as tested",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        steps=3000,  # snail-pytorch: at most 1,000,000, end to end
        tasks_per_step=16,  # snail-pytorch: 32 of one query
        n_query=5,
        optimizer="adam",
        lr=1e-3,  # snail-pytorch: 1e-4
        schedule="one-cycle",
        warmup=0.05,
        val_every=500,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {1: {"max_shot": 1}, 2: {}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # networks: [appendix]; of the training: [snail-pytorch train.py]
            "backbone": "resnet12-snail",
            "embedding_width": 384,
            "filters": 128,
            "pretrain": None,
            "train.frozen": False,
            "train.steps": 1_000_000,
            "train.tasks_per_step": 32,
            "train.n_query": 1,
            "train.lr": 1e-4,
            "train.schedule": "constant",
            "train.warmup": 0.0,
            "train.val_every": 10_000,
        },
        "paper@omniglot": {"backbone": "conv4-64", "embedding_width": 64},
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")


class Convolutions(nn.Module):
    """Dense block of gated causal convolutions of width 2 and dilations 1, 2, 4, ... (paper: TC).

    Args:
        n_features: of an item.
        filters: features that each convolution adds.
        n_layers: how many; together they reach over ``2 ** n_layers`` items.
    """

    def __init__(self, n_features: int, filters: int, n_layers: int) -> None:
        super().__init__()
        sizes = [n_features + layer * filters for layer in range(n_layers)]
        self.layers = nn.ModuleList([nn.Linear(2 * size, 2 * filters) for size in sizes])

    def forward(self, items: Tensor, places: Tensor) -> Tensor:
        """Map items ``[T, N, F]`` at `places` ``[N]`` to ``[T, N, F + n_layers · filters]``."""
        for power, layer in enumerate(self.layers):
            before = (places + 1 - 2**power).clamp(min=0)
            earlier = F.pad(items, (0, 0, 1, 0))[:, before]  # zeros before the beginning
            made, gate = layer(torch.cat([earlier, items], dim=-1)).chunk(2, -1)
            items = torch.cat([items, made.tanh() * gate.sigmoid()], dim=-1)
        return items


class Attention(nn.Module):
    """Joins to each item what it reads, by dot products of keys, from itself and those before."""

    def __init__(self, n_features: int, key_size: int) -> None:
        super().__init__()
        self.sizes = (key_size, key_size, key_size // 2)
        self.linear = nn.Linear(n_features, sum(self.sizes))

    def forward(self, items: Tensor, visible: Tensor) -> Tensor:
        """Map items ``[T, N, F]`` to ``[T, N, F + key_size / 2]``; `visible` is bool ``[N, N]``."""
        queries, keys, values = self.linear(items).split(self.sizes, -1)
        read = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)
        return torch.cat([items, read], dim=-1)


@methods.register("snail")
class SNAIL(Method):
    """Temporal convolutions and causal attention over the labelled support, then the query.

    A sequence is the support in the order it comes in and one query, whose label is zero. Since
    no item depends on a later one, all queries of a task share the computation of its support:
    they stand side by side at the place behind it, and each sees the support and itself alone.
    The embedding ends with a batch norm, which the paper's does not: networks differ in scale.

    The dilations of L convolutions are 1, 2, 4, ..., 2^(L-1), which reach every item of a
    sequence of 2^L; snail-pytorch begins with 2 and so misses every other one. Nor does ours have
    that code's other slips: its softmax runs over queries, and its labels keep an order.
    """

    setting = "inductive"
    label_symmetric = False
    support_symmetric = False
    at_once = AtOnce(tasks=64)
    paper = Paper(
        "A Simple Neural Attentive Meta-Learner",
        "Mishra et al.",
        "ICLR",
        2018,
        "https://arxiv.org/abs/1707.03141",
    )
    recipe: SNAILRecipe

    def __init__(self, backbone: Backbone, recipe: SNAILRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        filters, n_layers = recipe.filters, (n_way * recipe.max_shot).bit_length()
        self.embedding = nn.Sequential(
            nn.Linear(self.embedding_dim, recipe.embedding_width),
            nn.BatchNorm1d(recipe.embedding_width),
        )
        self.attentions, self.convolutions = nn.ModuleList(), nn.ModuleList()
        size = recipe.embedding_width + n_way
        for key_size in (filters // 2, 2 * filters, 4 * filters):
            self.attentions.append(Attention(size, key_size))
            size += key_size // 2
            if len(self.convolutions) < 2:
                self.convolutions.append(Convolutions(size, filters, n_layers))
                size += n_layers * filters
        self.answer = nn.Linear(size, n_way)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Run the sequences of all queries side by side; see `Method.classify`."""
        self.require_way(n_way)
        n_support, n_query = support.shape[1], query.shape[1]
        images = torch.cat([support, query], dim=1)
        embedded = self.embedding(images.flatten(0, 1)).view(*images.shape[:2], -1)
        labels = F.pad(one_hot(support_labels, n_way, embedded), (0, 0, 0, n_query))
        items = torch.cat([embedded, labels], dim=-1)
        index = torch.arange(n_support + n_query, device=items.device)
        places = index.clamp(max=n_support)
        visible = (places < places[:, None]) | (index == index[:, None])
        for attention, convolutions in zip(self.attentions, self.convolutions, strict=False):
            items = convolutions(attention(items, visible), places)
        scores: Tensor = self.answer(self.attentions[-1](items, visible)[:, n_support:])
        return scores
