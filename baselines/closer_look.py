"""Baseline and Baseline++: a linear or cosine classifier, fitted to each task by SGD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class BaselineRecipe(Recipe):
    """Settings of Chen et al. 2019 and CloserLookFewShot (``methods/baselinefinetune.py``)."""

    epochs: int = Field(100, ge=0, description="over the support")
    batch_size: int = Field(
        4, ge=1, description="sets the number of steps of an epoch; each is on the whole support"
    )
    lr: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="dampened by as much")
    weight_decay: float = Field(1e-3, ge=0)
    random_start: bool = Field(
        True,
        description="initial weights as torch.nn.Linear draws them; false: orthogonal to all "
        "embeddings, which spares them noise (2 points at one shot, Conv-4 on CIFAR-FS val)",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "conv4-64",  # [README]
            "pretrain.head": "linear",  # [baselinetrain.py]
            "pretrain.optimizer": "adam",  # with its defaults [train.py]
            "pretrain.lr": 1e-3,
            "pretrain.weight_decay": 0.0,
            "pretrain.schedule": "constant",
            "pretrain.warmup": 0.0,
            "pretrain.batch_size": 16,  # [train.py]
            "pretrain.epochs": 400,  # [train.py stop_epoch]
            "pretrain.augment": "natural",  # jitter and flip [datamgr.py]
        },
        "paper@omniglot": {"pretrain.epochs": 5, "pretrain.augment": "none"},  # [train.py]
    }
    published = ("mini-imagenet", "omniglot")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"lr": (0.01, 0.1), "epochs": (30, 100, 300)}


class BaselinePlusRecipe(BaselineRecipe):
    """Settings of Baseline++ (``backbone.py``, class ``distLinear``)."""

    scale: float = Field(2.0, gt=0, description="of the logits, for at most 200 classes")

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            **BaselineRecipe.presets["paper"],
            "pretrain.head": "cosine",  # there with a learned norm for each class [distLinear]
            "pretrain.head_scale": 2.0,
        },
        "paper@omniglot": {
            **BaselineRecipe.presets["paper@omniglot"],
            "pretrain.head_scale": 10.0,  # for more than 200 classes
        },
    }


@dataclass(frozen=True)
class Products:
    """What the gradients need: inner products, classes before images.

    A softmax over the middle dimension is several times faster than over the last.

    Attributes:
        gram: of the support with itself, ``[T, S, S]``.
        start: of the initial weights with the support, ``[T, n_way, S]``.
        lengths: of the initial weights, ``[n_way, 1]``.
        targets: one-hot labels, ``[T, n_way, S]``.
    """

    gram: Tensor
    start: Tensor
    lengths: Tensor
    targets: Tensor


class Fitted(Method):
    """A classifier fitted to the support by SGD on the cross-entropy.

    Weights are ``mix @ support + share · start``, as SGD never leaves this span: it is mix and
    share that are iterated, for which inner products are all it takes.

    Departs from the release in two things. Each step is on the whole support, where the release
    draws batches of 4; there are as many. Initial weights are drawn once, not for every task.
    """

    setting = "inductive"
    at_once = AtOnce(numbers=10_000_000)
    label_symmetric = False  # initial weights differ
    paper = Paper(
        "A Closer Look at Few-shot Classification",
        "Chen et al.",
        "ICLR",
        2019,
        "https://arxiv.org/abs/1904.04232",
    )
    recipe: BaselineRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the fitted classifier."""
        start, bias, lengths = self.start(n_way, support)
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        gram, at_support = (x @ support.transpose(1, 2) for x in (support, start))
        known = Products(gram, at_support, lengths, targets)
        share = torch.ones_like(targets[..., :1])
        weights = [torch.zeros_like(targets), share, share * self.third_weight(bias, lengths)]
        self.descend(weights, known)
        cross, at_query = (x @ query.transpose(1, 2) for x in (support, start))
        return self.logits(weights, known, cross, at_query).transpose(1, 2)

    def start(self, n_way: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Draw weights ``[n_way, D]`` and biases ``[n_way, 1]``; also give the weights' lengths.

        Entries are uniform within D^-1/2 of 0, and so have variance 1 / 3D.
        """
        dim = like.shape[-1]
        if not self.recipe.random_start:
            zeros = like.new_zeros(n_way, dim + 1)
            return zeros[:, 1:], zeros[:, :1], zeros[:, :1] + 3**-0.5
        numbers = torch.rand(n_way, dim + 1, generator=torch.Generator().manual_seed(0))
        numbers = ((2 * numbers - 1) / dim**0.5).to(like)
        return numbers[:, 1:], numbers[:, :1], numbers[:, 1:].norm(dim=1, keepdim=True)

    def descend(self, weights: list[Tensor], known: Products) -> None:
        """Move the weights, in place, as ``torch.optim.SGD`` does."""
        recipe = self.recipe
        velocities = [torch.zeros_like(weight) for weight in weights]
        for step in range(recipe.epochs * -(-known.gram.shape[1] // recipe.batch_size)):
            fresh = 1 - recipe.momentum if step else 1.0
            gradients = self.gradients(weights, known)
            for weight, velocity, gradient in zip(weights, velocities, gradients, strict=True):
                velocity.mul_(recipe.momentum).add_(gradient, alpha=fresh)
                velocity.add_(weight, alpha=fresh * recipe.weight_decay)
                weight.sub_(velocity, alpha=recipe.lr)

    def third_weight(self, bias: Tensor, lengths: Tensor) -> Tensor:
        """Initial value of the weights beside mix and share, ``[n_way, 1]``."""
        raise NotImplementedError

    def logits(
        self, weights: list[Tensor], known: Products, cross: Tensor, start: Tensor
    ) -> Tensor:
        """Score images ``[T, n_way, N]`` by their products with the support and the start."""
        raise NotImplementedError

    def gradients(self, weights: list[Tensor], known: Products) -> list[Tensor]:
        """Gradients of the mean cross-entropy with respect to each of the weights."""
        raise NotImplementedError


@methods.register("baseline")
class Baseline(Fitted):
    """Linear classifier on the embeddings, fitted to the support by SGD with weight decay.

    Differences from the release are those of `Fitted`.
    """

    recipe: BaselineRecipe

    def third_weight(self, bias: Tensor, lengths: Tensor) -> Tensor:
        """Return the biases."""
        return bias

    def logits(
        self, weights: list[Tensor], known: Products, cross: Tensor, start: Tensor
    ) -> Tensor:
        """Score images linearly; see `Fitted.logits`."""
        mix, share, bias = weights
        return mix @ cross + share * start + bias

    def gradients(self, weights: list[Tensor], known: Products) -> list[Tensor]:
        """See `Fitted.gradients`; weight decay is all that changes the share."""
        logits = self.logits(weights, known, known.gram, known.start)
        errors = logits.softmax(1).sub_(known.targets).div_(logits.shape[2])
        return [errors, torch.zeros_like(weights[1]), errors.sum(-1, keepdim=True)]


@methods.register("baseline-plus", "baseline++")
class BaselinePlus(Fitted):
    """Cosine classifier with a learned norm for each class, fitted to the support by SGD.

    A class's weight is a norm times a direction (PyTorch's ``weight_norm``), and the embeddings
    have unit length. Differences from the release are those of `Fitted`.
    """

    recipe: BaselinePlusRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the fitted classifier, for embeddings of unit length."""
        support, query = F.normalize(support, dim=-1), F.normalize(query, dim=-1)
        return super().classify(support, support_labels, query, n_way)

    def third_weight(self, bias: Tensor, lengths: Tensor) -> Tensor:
        """Return the norms, which begin as the lengths of the weights."""
        return lengths

    def logits(
        self, weights: list[Tensor], known: Products, cross: Tensor, start: Tensor
    ) -> Tensor:
        """Score images by scaled cosines; see `Fitted.logits`."""
        mix, share, norm = weights
        length = self.length(mix, share, mix @ known.gram + share * known.start, known)
        return (mix @ cross + share * start) * (self.recipe.scale * norm / length)

    def gradients(self, weights: list[Tensor], known: Products) -> list[Tensor]:
        """See `Fitted.gradients`; a direction moves at right angles to itself."""
        mix, share, norm = weights
        dots = mix @ known.gram + share * known.start
        per_length = 1 / self.length(mix, share, dots, known)
        turn = norm * per_length
        errors = (dots * (self.recipe.scale * turn)).softmax(1).sub_(known.targets)
        errors.mul_(self.recipe.scale / errors.shape[2])
        radial = (errors * dots).sum(-1, keepdim=True) * per_length
        back = turn * per_length * radial
        return [turn * errors - back * mix, -back * share, radial]

    def length(self, mix: Tensor, share: Tensor, dots: Tensor, known: Products) -> Tensor:
        """Length of the directions ``[T, n_way, 1]``, given their products with the support."""
        rest = (mix * (dots + share * known.start)).sum(-1, keepdim=True)
        return ((share * known.lengths).square() + rest).sqrt()
