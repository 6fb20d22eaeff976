"""FEAT: class means that look at each other, by self-attention, before queries are compared."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import prototypes, squared_distances
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class FEATRecipe(Recipe):
    """Settings of Ye et al. 2020 and Sha-Lab/FEAT (README, ConvNet on miniImageNet)."""

    temperature: float = Field(64.0, gt=0, description="divides squared distances; 5 shots: 32")
    balance: float = Field(1.0, ge=0, description="weight of the contrastive loss; 5 shots: 0.1")
    contrast_temperature: float = Field(
        16.0, gt=0, description="divides its squared distances [temperature2]; 5 shots: 64"
    )
    attention_dropout: float = Field(0.1, ge=0, lt=1, description="[model/models/feat.py]")
    dropout: float = Field(0.5, ge=0, lt=1, description="of what attention adds [feat.py]")
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        backbone_lr=0.1,  # [lr_mul]
        steps=1500,
        tasks_per_step=4,  # release: 1
        n_query=5,  # release: 15
        optimizer="adam",  # for ConvNet [helpers.py]
        lr=1e-3,  # lr times lr_mul
        schedule="one-cycle",  # release: halved every 20 epochs of 100
        warmup=0.05,
        augment="natural",  # release: none by default
        val_every=300,
        val_episodes=500,
    )

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"balance": (0.0, 0.1, 1.0)}
    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {
            "temperature": 32.0,
            "balance": 0.1,
            "contrast_temperature": 64.0,
            "train.steps": 1000,
            "train.val_every": 200,
        }
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "tiered-imagenet")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "conv4-64-feat",
            "pretrain.head": "linear",  # [pretrain.py], to milestones
            "pretrain.optimizer": "adam",
            "pretrain.lr": 1e-3,
            "pretrain.epochs": 500,
            "pretrain.batch_size": 16,
            "pretrain.warmup": 0.0,
            "pretrain.milestones": (74 / 500, 149 / 500, 299 / 500),  # in epochs 75, 150, 300
            "train.steps": 20_000,  # 200 epochs of 100 episodes
            "train.tasks_per_step": 1,
            "train.n_query": 15,
            "train.augment": "none",
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": tuple(k / 10 for k in range(1, 10)),
            "train.gamma": 0.5,
            "train.val_every": 500,
        },
        "paper@tiered-imagenet": {  # [README: ResNet-12], [helpers.py]
            "backbone": "resnet12-rfs",  # the same network as FEAT's
            "balance": 0.1,
            "contrast_temperature": 64.0,
            "pretrain.optimizer": "sgd",
            "pretrain.lr": 0.1,  # our reading: pretrain.py has 0.001, which is Adam's
            "train.optimizer": "sgd",
            "train.lr": 2e-3,
            "train.weight_decay": 5e-4,
        },
        "paper@tiered-imagenet:5": {"train.milestones": tuple(k / 5 for k in range(1, 5))},
    }


class SelfAttention(nn.Module):
    """One head of attention in a set, a linear layer, the input added, layer norm.

    Args:
        dim: length D of the members.
        attention_dropout: of the weights of attention.
        dropout: of what is added to the input.
    """

    def __init__(self, dim: int, attention_dropout: float, dropout: float) -> None:
        super().__init__()
        self.inputs = nn.ModuleList([nn.Linear(dim, dim, bias=False) for _ in range(3)])
        self.output, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.attention_dropout, self.dropout = attention_dropout, nn.Dropout(dropout)
        for linear in (*self.inputs, self.output):
            nn.init.xavier_normal_(linear.weight)

    def forward(self, members: Tensor, sees: Tensor | None = None) -> Tensor:
        """Adapt ``[T, N, D]``; `sees`, bool ``[T, N, N]``, restricts whom each attends to."""
        keys, queries, values = (linear(members) for linear in self.inputs)
        dropout = self.attention_dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(queries, keys, values, sees, dropout)
        adapted: Tensor = self.norm(members + self.dropout(self.output(seen)))
        return adapted


@methods.register("feat")
class FEAT(Method):
    """Adapt the class means to the task by self-attention among them; nearest mean in the end.

    Queries are compared as they are. A contrastive loss in meta-training lets the images of each
    class attend to each other, and wants every image near the mean of its class as adapted.

    Embeddings are what the backbone gives: for `conv4-64` the flattened map, where the release
    pools it to 64 numbers (`conv4-64-feat`), with the same temperatures.
    """

    setting = "inductive"
    paper = Paper(
        "Few-Shot Learning via Embedding Adaptation with Set-to-Set Functions",
        "Ye et al.",
        "CVPR",
        2020,
        "https://arxiv.org/abs/1812.03664",
    )
    recipe: FEATRecipe

    def __init__(self, backbone: Backbone, recipe: FEATRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        dims = self.embedding_dim, recipe.attention_dropout, recipe.dropout
        self.adapt = SelfAttention(*dims)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return negative squared distances to the adapted means over the temperature."""
        centres = self.adapt(prototypes(support, support_labels, n_way))
        return -squared_distances(query, centres) / self.recipe.temperature

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of the queries, and `balance` times the contrastive loss."""
        e = self.embedded(episode)
        images = torch.cat([e.support, e.query], dim=1)
        labels = torch.cat([e.support_labels, query_labels], dim=1)
        error = super().loss(e, query_labels)
        return error + self.recipe.balance * self.contrast(images, labels, e.n_way)

    def contrast(self, images: Tensor, labels: Tensor, n_way: int) -> Tensor:
        """Cross-entropy of images ``[T, N, D]`` among centres of their own adapted classes."""
        same_class = labels[:, :, None] == labels[:, None]
        centres = prototypes(self.adapt(images, same_class), labels, n_way)
        logits = -squared_distances(images, centres) / self.recipe.contrast_temperature
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())
