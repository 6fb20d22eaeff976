"""TADAM: a scaled metric, in an embedding whose layers are modulated for each task."""

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.film import embed_each, modulated, norms_of
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import distances, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class TADAMRecipe(Recipe):
    """Settings of Oreshkin et al. 2018; the file is ``model/tadam.py`` of ServiceNow/TADAM."""

    scale: float | None = Field(
        15.0,
        gt=0,
        description="initial value of a learned scale of distances / sqrt(D), D their dimension; "
        "none: distances times a fixed 7.5, as released (section 2.1 of the paper learns it)",
    )
    film_penalty: float = Field(
        0.01, ge=0, description="half of it times the squared post-multipliers [tadam.py]"
    )
    auxiliary: float = Field(
        0.9,
        ge=0,
        le=1,
        description="initial weight of telling all train classes apart, multiplied by itself after "
        "every 20th of the training [feat_extract_pretrain_decay_rate, _n]",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=900,  # paper: 30,000, from random weights
        tasks_per_step=5,  # [appendix]
        n_query=5,  # paper: 32 of a task for 5 shots, 12 for 1, not balanced [appendix]
        optimizer="adam",  # paper: SGD, with a weight decay of 5e-4
        lr=1e-3,
        schedule="one-cycle",
        warmup=0.05,
        augment="natural",  # paper: none
        val_every=300,
        val_episodes=300,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.tasks_per_step": 2}}
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "fc100")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "resnet12-tadam",
            "scale": None,
            "pretrain": None,
            "train.steps": 30_000,
            "train.val_every": 1000,
            "train.n_query": 2,  # our reading: 10 balanced for 12 at random [appendix]
            "train.augment": "none",
            "train.optimizer": "sgd",
            "train.nesterov": False,
            "train.lr": 0.1,
            "train.weight_decay": 5e-4,
            "train.decay_norms": False,  # a regulariser of layers' weights alone [_get_scope]
            "train.clip_norm": 1.0,
            "train.clip_norm_of": "tensors",  # TF-slim's clip_gradient_norms [create_train_op]
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": (0.5, 0.5 + 2500 / 30_000, 0.5 + 5000 / 30_000),
        },
        "paper:5": {"train.n_query": 6, "train.tasks_per_step": 2},  # 30 for 32 [appendix]
        "paper:10": {"train.n_query": 12, "train.tasks_per_step": 1},  # 60 for 64 [appendix]
        "paper@fc100": {
            "train.steps": 10_000,  # [section 4.1]
            "train.milestones": (0.5, 0.75, 1.0),  # half, then every 2,500 [tadam.py]
        },
    }


class ResidualNet(nn.Module):
    """Three linear layers; the last two have a skip connection (appendix, "TEN architecture").

    Args:
        dim: length D of the input.
        width: of all layers, W.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(before, width) for before in (dim, width, width)])
        for name, parameter in self.named_parameters():
            is_bias = name.endswith("bias")
            nn.init.normal_(parameter, std=0.0 if is_bias else (0.1 * 2 / width) ** 0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``[T, D]`` to ``[T, W]``."""
        hidden = F.silu(self.linears[0](inputs))
        hidden = F.silu(hidden + self.linears[1](hidden))
        outputs: Tensor = hidden + self.linears[2](hidden)
        return outputs


@methods.register("tadam")
class TADAM(Method):
    """Scaled distances to class means; the support modulates every layer that embeds its task.

    The mean of the class means, embedded plainly, is a task's embedding. From it small networks
    predict for each batch norm of the backbone by what its output is multiplied and what is added
    (FiLM). At first this changes nothing. Then support and queries are embedded by the modulated
    backbone. In meta-training, plain embeddings also learn to tell all train classes apart.

    Departs from the release in that every batch norm is modulated, those of shortcuts included;
    that the auxiliary task has the images of the episodes and a weight in the one loss, where the
    release takes a step on 64 other images with that probability; and that weights decay after the
    gradient is clipped, where the release clips it together with what decays them.
    """

    setting = "inductive"
    adapts_backbone = True
    uses_base = True
    at_once = AtOnce(tasks=8)
    paper = Paper(
        "TADAM: Task Dependent Adaptive Metric for Improved Few-Shot Learning",
        "Oreshkin et al.",
        "NeurIPS",
        2018,
        "https://arxiv.org/abs/1805.10123",
    )
    recipe: TADAMRecipe
    classifier: nn.Linear
    n_steps_done: Tensor

    def __init__(self, backbone: Backbone, recipe: TADAMRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        widths = [norm.num_features for norm in norms_of(backbone).values()]
        if not widths:
            raise UsageError(
                f"tadam modulates batch norms, and {type(backbone).__name__} has none; choose "
                "another --backbone, as conv4-64 or resnet12-tadam"
            )
        self.gammas = nn.ModuleList([ResidualNet(self.embedding_dim, width) for width in widths])
        self.betas = nn.ModuleList([ResidualNet(self.embedding_dim, width) for width in widths])
        self.gamma_0 = nn.Parameter(torch.zeros(len(widths)))
        self.beta_0 = nn.Parameter(torch.zeros(len(widths)))
        if recipe.scale is not None:
            self.scale = nn.Parameter(torch.tensor(recipe.scale))
        self.register_buffer("n_steps_done", torch.zeros((), dtype=torch.int64))

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Make the classifier of the train classes; its weights are zero at first."""
        self.classifier = nn.Linear(self.embedding_dim, int(labels.max()) + 1).to(embeddings)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, episode: Episode) -> Tensor:
        """Embed the support plainly, then all by the modulated backbone; ``[T, Q, n_way]``."""
        plain = self.embed(episode.support.flatten(0, 1))
        return self.score(episode, plain.reshape(*episode.support.shape[:2], -1))

    def score(self, episode: Episode, plain: Tensor) -> Tensor:
        """Score queries ``[T, Q, n_way]``; `plain` are embeddings of the support, ``[T, S, D]``."""
        tasks = prototypes(plain, episode.support_labels, episode.n_way).mean(1)
        numbers = self.modulations(tasks)
        if self.training:
            with modulated(self.backbone, numbers):
                e = self.embedded(episode)
        else:
            e = episode.embed(lambda images: embed_each(self.backbone, numbers, images))
        apart = distances(e.query, prototypes(e.support, e.support_labels, e.n_way))
        if self.recipe.scale is None:
            return -7.5 * apart
        return apart * -self.scale / math.sqrt(self.embedding_dim)

    def modulations(self, tasks: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Gamma and beta ``[T, C]`` of each norm, from embeddings of T tasks, ``[T, D]``."""
        nets = zip(self.gamma_0, self.gammas, self.beta_0, self.betas, strict=True)
        return [(c * gamma(tasks), d * beta(tasks)) for c, gamma, d, beta in nets]

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of the queries, the auxiliary one, and the penalty of post-multipliers."""
        plain = self.embedded(episode)
        scores = self.score(episode, plain.support)
        error = F.cross_entropy(scores.flatten(0, 1), query_labels.flatten())
        squares = self.gamma_0.square().sum() + self.beta_0.square().sum()
        return error + self.recipe.film_penalty / 2 * squares + self._auxiliary(plain, query_labels)

    def _auxiliary(self, plain: Episode, query_labels: Tensor) -> Tensor:
        """Weighted cross-entropy of all images among the train classes; counts the steps."""
        if plain.classes is None:
            raise TypeError("training episodes say which classes of the train split they have")
        labels = plain.classes.gather(1, torch.cat([plain.support_labels, query_labels], dim=1))
        logits = self.classifier(torch.cat([plain.support, plain.query], dim=1))
        n_steps = self.recipe.train.steps if self.recipe.train is not None else 1
        weight = self.recipe.auxiliary ** (1 + 20 * self.n_steps_done // n_steps)
        self.n_steps_done += self.training
        return weight * F.cross_entropy(logits.flatten(0, 1), labels.flatten())
