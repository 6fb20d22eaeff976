"""Fine-tuning from a classifier of class means, with or without the entropy of the queries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.method import AtOnce, methods
from fewshot_bench.ops.basic import one_hot, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides
from fewshot_bench.results import Setting

Slopes = Callable[[Tensor], Tensor]


class FineTuneRecipe(NormalisedRecipe):
    """Settings of Dhillon et al. 2020, section 3, adapted to a backbone that stays as it is.

    The paper's rate is that of a whole network, and hardly moves a classifier alone. Ours, like the
    scale and the centring, was chosen on CIFAR-FS val: on embeddings that are not centred, steps
    on the entropy of the queries cost accuracy at every rate that was tried.
    """

    n_steps: int = Field(25, ge=0, description="epochs, of a step on each loss [section 3]")
    lr: float = Field(1e-3, gt=0, description="of Adam; paper: 5e-5")
    scale: float = Field(10.0, gt=0, description="of the logits; paper: 1")

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "wrn-28-10",
            "transform": "L2N",
            "lr": 5e-5,
            "scale": 1.0,
            "pretrain.head": "linear",  # here and below: [section 4, appendix A]
            "pretrain.label_smoothing": 0.1,  # beside mixup of 0.25, which is not to be had here
            "pretrain.lr": 0.1,
            "pretrain.weight_decay": 1e-4,
            "pretrain.decay_norms": False,
            "pretrain.batch_size": 256,
            "pretrain.epochs": 40,  # our reading, as is the form of the cycle
            "pretrain.schedule": "one-cycle",
            "pretrain.warmup": 0.25,
        }
    }
    published = ("mini-imagenet", "tiered-imagenet", "cifar-fs", "fc100")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "lr": (2e-4, 1e-3, 5e-3),
        "scale": (5.0, 10.0, 20.0),
    }


@methods.register("fine-tune")
class FineTune(NormalisedMethod):
    """Linear classifier that starts from the class means and descends on the support's loss.

    The paper fine-tunes the whole network, and puts the classifier on the ReLU of the logits of
    the base classes. Here the backbone is frozen and the classifier, on normalised embeddings, is
    all that moves: the paper's start and its losses, at a small part of the cost.
    """

    setting: Setting = "inductive"
    at_once = AtOnce(numbers=3_000_000)
    paper = Paper(
        "A Baseline for Few-Shot Image Classification",
        "Dhillon et al.",
        "ICLR",
        2020,
        "https://arxiv.org/abs/1909.02729",
    )
    recipe: FineTuneRecipe

    def transform(self, embeddings: Tensor) -> Tensor:
        """Leave embeddings as they are: class means are taken before anything is normalised."""
        return embeddings

    @torch.no_grad()
    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the fine-tuned classifier."""
        weights = super().transform(prototypes(support, support_labels, n_way))
        bias = torch.zeros_like(weights[..., :1])
        support, query = super().transform(support), super().transform(query)
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        optimizer = torch.optim.Adam([weights, bias], self.recipe.lr, fused=True)
        for _ in range(self.recipe.n_steps):
            for images, slopes in self.losses(support, targets, query):
                pull = self.recipe.scale * slopes(self.score(images, weights, bias))
                weights.grad, bias.grad = pull @ images, pull.sum(-1, keepdim=True)
                optimizer.step()
        return self.score(query, weights, bias).transpose(1, 2)

    def score(self, images: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """Logits ``[T, n_way, N]`` of ``[T, N, D]`` for weights ``[T, n_way, D]``."""
        return self.recipe.scale * torch.baddbmm(bias, weights, images.transpose(1, 2))

    def losses(
        self, support: Tensor, targets: Tensor, query: Tensor
    ) -> Iterator[tuple[Tensor, Slopes]]:
        """Yield the losses of an epoch, each by its images and gradient; each gets a step.

        Args:
            support: ``[T, S, D]``.
            targets: one-hot labels, ``[T, n_way, S]``.
            query: ``[T, Q, D]``.

        Yields:
            Images ``[T, N, D]``, and what maps their logits ``[T, n_way, N]`` to the gradient
            of the loss by them.
        """
        yield support, lambda logits: (logits.softmax(1) - targets) / support.shape[1]


@methods.register("fine-tune-transductive", "transductive-fine-tuning")
class FineTuneTransductive(FineTune):
    """Fine-tuning that also makes the classifier sure of the queries: it lowers their entropy.

    Every epoch takes one step on the support's cross-entropy and one on the mean Shannon entropy
    of the queries' predictions. Differences from the paper are those of `FineTune`.
    """

    setting = "transductive"
    at_once = AtOnce(numbers=1_000_000)

    def losses(
        self, support: Tensor, targets: Tensor, query: Tensor
    ) -> Iterator[tuple[Tensor, Slopes]]:
        """Yield the cross-entropy of the support, then the entropy of the queries."""
        yield from super().losses(support, targets, query)
        yield query, entropy_slopes


def entropy_slopes(logits: Tensor) -> Tensor:
    """Gradient of the mean entropy of predictions by their logits ``[T, n_way, Q]``."""
    logs = logits.log_softmax(1)
    probabilities = logs.exp()
    entropies = -(probabilities * logs).sum(1, keepdim=True)
    return -probabilities * (logs + entropies) / logits.shape[2]
