"""Matching networks: a nearest-neighbour classifier, soft, in a space trained for it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import cosine, one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class MatchingNetRecipe(Recipe):
    """Settings of Vinyals et al. 2016; no code of theirs was released.

    For what the paper leaves open: twitter/meta-learning-lstm (Ravi & Larochelle 2017).
    """

    scale: float | None = Field(
        10.0,
        gt=0,
        description="initial value of a learned factor of the cosines, as SIB and Gidaris & "
        "Komodakis have; none: the paper's plain cosines, which give a nearly uniform softmax",
    )
    context: bool = Field(
        False, description="embed each image in the context of the support [paper, appendix A]"
    )
    context_steps: int = Field(3, ge=1, description="reads of a query [meta-learning-lstm]")
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=1500,  # meta-learning-lstm: 75,000
        n_way=20,  # paper: as tested; more ways learn faster per image, as in ProtoNet
        n_query=5,
        optimizer="adam",
        lr=1e-3,
        schedule="one-cycle",
        warmup=0.05,
        clip_norm=1.0,  # oscarknagg/few-shot
        augment="natural",
        val_every=300,
        val_episodes=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {1: {"train.n_way": 30}, 2: {}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # [meta-learning-lstm: config/baselines/train-matching-net.lua]
            "backbone": "conv4-64-dropout",  # [matching-net-classifier.lua]
            "scale": None,
            "context": True,
            "pretrain": None,
            "train.steps": 75_000,
            "train.n_way": None,
            "train.n_query": 15,
            "train.lr": 1e-4,
            "train.clip_norm": 0.25,  # [FCE-embedding.lua: either LSTM by itself]
            "train.clip_norm_of": "heads",
            "train.schedule": "constant",
            "train.warmup": 0.0,
            "train.augment": "none",
            "train.val_every": 1000,
        },
        # Our reading: no context, which the paper's table 1 does not have; the training as above,
        # since of its own the paper says nothing.
        "paper@omniglot": {"backbone": "conv4-64", "context": False},
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")


class SupportContext(nn.Module):
    """Embeds each support image anew by an LSTM that goes over the whole support, both ways."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, dim, batch_first=True, bidirectional=True)

    def forward(self, support: Tensor) -> Tensor:
        """Map the sequence ``[T, S, D]`` to embeddings of that shape."""
        forth, back = self.lstm(support)[0].chunk(2, -1)
        return support + forth + back  # type: ignore[no-any-return]


class QueryContext(nn.Module):
    """Embeds each query anew by an LSTM that reads the support a few times.

    It first reads the support's mean, with no hidden state, as in ``FCE-embedding.lua``.

    Args:
        dim: length D of embeddings.
        steps: how often it reads.
    """

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.cell = nn.LSTMCell(2 * dim, dim)

    def forward(self, support: Tensor, query: Tensor) -> Tensor:
        """Map queries ``[T, Q, D]``, each alone, given the support ``[T, S, D]``."""
        flat = query.flatten(0, 1)
        state = torch.zeros_like(flat), torch.zeros_like(flat)
        attention = support.new_full((*query.shape[:2], support.shape[1]), 1 / support.shape[1])
        for _ in range(self.steps):
            read = (attention @ support).flatten(0, 1)
            output, memory = self.cell(torch.cat([flat, read], -1), state)
            state = output + flat, memory
            attention = (state[0].view_as(query) @ support.transpose(1, 2)).softmax(-1)
        return state[0].view_as(query)


@methods.register("matching-net", "matching-networks")
class MatchingNet(Method):
    """Sum the labels of the support, weighted by a softmax over cosines with the query.

    With ``context`` (the paper's FCE) a bidirectional LSTM goes over the support in the order it
    comes in, and each query reads it by an LSTM with attention. Departs from the paper in that
    the cosines have a learned scale, unless `scale` is none. Where meta-learning-lstm sums the
    cosines of a class and takes a softmax of these sums (``matching-net.lua``), which is the same
    at one shot, this is the paper's softmax over the support.
    """

    setting = "inductive"
    at_once = AtOnce(tasks=128)
    paper = Paper(
        "Matching Networks for One Shot Learning",
        "Vinyals et al.",
        "NeurIPS",
        2016,
        "https://arxiv.org/abs/1606.04080",
    )
    recipe: MatchingNetRecipe

    def __init__(self, backbone: Backbone, recipe: MatchingNetRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.scale is not None:
            self.scale = nn.Parameter(torch.tensor(recipe.scale))
        if recipe.context:
            self.of_support = SupportContext(self.embedding_dim)
            self.of_query = QueryContext(self.embedding_dim, recipe.context_steps)
            self.support_symmetric = False

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return, up to a constant of each query, the logarithm of the summed attention."""
        if self.recipe.context:
            support = self.of_support(support)
            query = self.of_query(support, query)
        logits = cosine(query, support)
        if self.recipe.scale is not None:
            logits = self.scale * logits
        others = one_hot(support_labels, n_way, support)[:, None] == 0
        return logits[..., None].masked_fill(others, -torch.inf).logsumexp(2)
