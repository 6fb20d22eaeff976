"""Logistic regression on normalised embeddings: the classifier of RFS."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import at_rest, one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe

TIERED_DROPS = (30 / 60, 40 / 60, 50 / 60)
CIFAR_DROPS = (45 / 90, 60 / 90, 75 / 90)


class LogisticRecipe(Recipe):
    """Settings of Tian et al. 2020 and WangYueFt/rfs (``eval/meta_eval.py``)."""

    C: float = Field(
        1.0, gt=0, description="of the summed cross-entropy against |w|²/2 [scikit-learn's default]"
    )
    normalise: bool = Field(True, description="embeddings to unit length [is_norm]")
    max_steps: int = Field(1000, ge=1, description="[max_iter]")
    pretrain: PretrainRecipe | None = PretrainRecipe()

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # train_supervised.py; epochs and drops of other data sets: [paper, section 4]
            "backbone": "resnet12-rfs",
            "pretrain.head": "linear",
            "pretrain.nesterov": False,
            "pretrain.lr": 0.05,
            "pretrain.weight_decay": 5e-4,
            "pretrain.batch_size": 64,
            "pretrain.epochs": 100,
            "pretrain.schedule": "step",
            "pretrain.warmup": 0.0,
            "pretrain.milestones": (60 / 100, 80 / 100),
            "pretrain.augment": "natural",  # A and D [dataset/transform_cfg.py]
        },
        "paper@tiered-imagenet": {"pretrain.epochs": 60, "pretrain.milestones": TIERED_DROPS},
        "paper@cifar-fs": {"pretrain.epochs": 90, "pretrain.milestones": CIFAR_DROPS},
        "paper@fc100": {"pretrain.epochs": 90, "pretrain.milestones": CIFAR_DROPS},
    }
    published = ("mini-imagenet", "tiered-imagenet", "cifar-fs", "fc100")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"C": (0.1, 1.0, 10.0, 100.0)}


@methods.register("logistic", "rfs")
class Logistic(Method):
    """Multinomial logistic regression with an L2 penalty, to convergence for each task.

    The bias is not penalised, as in scikit-learn. Departs from the release in that the support is
    taken once: the release adds five augmented copies of each image by default, which with a
    summed loss also means C = 5. RFS's distilled backbone is a matter of pretraining.
    """

    setting = "inductive"
    at_once = AtOnce(numbers=10_000_000)
    paper = Paper(
        "Rethinking Few-Shot Image Classification: a Good Embedding Is All You Need?",
        "Tian et al.",
        "ECCV",
        2020,
        "https://arxiv.org/abs/2003.11539",
    )
    recipe: LogisticRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the classifier whose weights are ``mix @ support``."""
        if self.recipe.normalise:
            support, query = F.normalize(support, dim=-1), F.normalize(query, dim=-1)
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        mix, bias = fit(
            support @ support.transpose(1, 2), targets, self.recipe.C, self.recipe.max_steps
        )
        return (mix @ (support @ query.transpose(1, 2)) + bias).transpose(1, 2)


def fit(gram: Tensor, targets: Tensor, c: float, max_steps: int) -> tuple[Tensor, Tensor]:
    """Minimise ``c · cross-entropy + |w|²/2`` over linear classifiers of T tasks.

    The Hessian of the cross-entropy is at most half the images' inner products (Böhning 1992). To
    minimise the quadratic bound that this gives is ridge regression, to the responses
    ``logits / 2 + targets - probabilities``. These steps, with Nesterov's momentum, restarted
    where it leads uphill (O'Donoghue & Candès 2015), need one inverse of an ``S x S`` matrix.

    Args:
        gram: inner products of the support, ``[T, S, S]``.
        targets: one-hot labels, ``[T, n_way, S]``.
        c: strength of the cross-entropy.
        max_steps: limit of the steps.

    Returns:
        Coefficients of the support ``[T, n_way, S]``, and biases ``[T, n_way, 1]``.
    """
    to_mix, to_bias = ridge_maps(gram, c)
    to_logits = to_mix @ gram + to_bias
    tolerance = torch.finfo(gram.dtype).eps ** 0.75
    responses = ahead_responses = torch.zeros_like(targets)
    logits = ahead = torch.zeros_like(targets)
    age = torch.ones_like(gram[:, :1, :1])
    for step in range(max_steps):
        before, responses_before = logits, responses
        responses = ahead / 2 + targets - ahead.softmax(1)
        logits = responses @ to_logits
        if at_rest(logits - ahead, tolerance, step):
            break
        uphill = ((ahead_responses - responses) * (logits - before)).sum((1, 2), True) > 0
        age = torch.where(uphill, 1.0, age + 1)
        momentum = (age - 1) / (age + 2)
        ahead = torch.lerp(before, logits, 1 + momentum)
        ahead_responses = torch.lerp(responses_before, responses, 1 + momentum)
    return responses @ to_mix, responses @ to_bias[..., :1]


def ridge_maps(gram: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """Solve ``min ¼ |2y - Xw - b|² + |w|²/2c`` for any y: ``y @ mix @ X`` is w, ``y @ bias`` is b.

    Args:
        gram: X Xᵀ, ``[T, S, S]``.
        c: strength of the first term.

    Returns:
        Two matrices ``[T, S, S]``; the columns of the second are all the same.
    """
    identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    inverse = torch.linalg.inv_ex(gram / 2 + identity / c).inverse
    sums = inverse.sum(2, keepdim=True)
    share = sums / sums.sum(1, keepdim=True)
    return inverse - share @ sums.transpose(1, 2), (2 * share).expand_as(gram)
