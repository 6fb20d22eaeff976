"""TIM and alpha-TIM: class weights that make predictions of the queries informative."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.bases.published_pretraining import TIM as TIM_NETWORKS
from fewshot_bench.method import AtOnce, methods
from fewshot_bench.ops.adam import Adam
from fewshot_bench.ops.basic import one_hot, power, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides


class TIMRecipe(NormalisedRecipe):
    """Settings of Boudiaf et al. 2020; files are those of mboudiaf/TIM."""

    transform: Literal["CL2N", "L2N", "UN"] = Field("L2N", description="[main.py]")
    solver: Literal["gradient", "alternating"] = Field(
        "gradient", description="TIM-GD or TIM-ADM, which has closed-form steps"
    )
    temperature: float = Field(15.0, gt=0, description="of the logits [tim.py temp]")
    support_weight: float = Field(0.1, ge=0, description="of its cross-entropy [loss_weights]")
    marginal_weight: float = Field(1.0, ge=0, description="of H(Y) [loss_weights]")
    conditional_weight: float = Field(0.1, ge=0, description="of H(Y|X) [loss_weights]")
    lr: float = Field(1e-4, gt=0, description="gradient: of Adam [tim.py]")
    n_steps: int = Field(1000, ge=0, description="gradient [scripts/evaluate/tim_gd]")
    n_alternations: int = Field(150, ge=0, description="alternating [tim.py iter]")

    presets: ClassVar[Mapping[str, Overrides]] = {"paper": TIM_NETWORKS}
    published = ("mini-imagenet", "tiered-imagenet")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "marginal_weight": (0.5, 1.0, 2.0),
        "conditional_weight": (0.1, 1.0),
    }


@methods.register("tim")
class TIM(NormalisedMethod):
    """Move class weights so that predictions of the queries are sure, and balanced over classes.

    They start at the class means and lower the support's cross-entropy and the entropy of each
    query's prediction, while raising the entropy of the mean prediction: that favours equally
    many queries of each class.
    """

    setting = "transductive"
    at_once = AtOnce(numbers=250_000)  # a core's cache holds them through all steps
    paper = Paper(
        "Transductive Information Maximization For Few-Shot Learning",
        "Boudiaf et al.",
        "NeurIPS",
        2020,
        "https://arxiv.org/abs/2008.11297",
    )
    recipe: TIMRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the queries for the weights found."""
        start = prototypes(support, support_labels, n_way)
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        solve = self.descend if self.recipe.solver == "gradient" else self.alternate
        weights = solve(start.clone(), targets, torch.cat([support, query], dim=1))
        return self.logits(weights, query).transpose(1, 2)

    def logits(self, weights: Tensor, points: Tensor) -> Tensor:
        """Minus half the temperature times squared distances, up to a constant of each point.

        Args:
            weights: ``[T, n_way, D]``.
            points: ``[T, N, D]``.

        Returns:
            ``[T, n_way, N]``: a softmax over the middle dimension is several times faster.
        """
        squares = torch.linalg.vector_norm(weights, dim=-1, keepdim=True).square()
        temperature, across = self.recipe.temperature, points.transpose(1, 2)
        return torch.baddbmm(squares, weights, across, beta=-temperature / 2, alpha=temperature)

    def negentropy_slope(self, probabilities: Tensor, logs: Tensor) -> Tensor:
        """Derivative of Σ p log p by each p, up to a constant of each distribution.

        Args:
            probabilities: ``[T, n_way, ...]``.
            logs: their logarithms, up to such a constant.
        """
        return logs

    @torch.inference_mode()
    def descend(self, weights: Tensor, targets: Tensor, points: Tensor) -> Tensor:
        """Take Adam's steps on the loss, whose gradient is written out.

        Args:
            weights: at the start, ``[T, n_way, D]``; changed.
            targets: one-hot labels of the support, ``[T, n_way, S]``.
            points: support, then queries, ``[T, S + Q, D]``.
        """
        temperature, n_support = self.recipe.temperature, targets.shape[-1]
        n_query = points.shape[1] - n_support
        known = F.pad(targets * (-self.recipe.support_weight / n_support), (0, n_query))
        share = F.pad(points.new_full((n_query,), 1 / n_query), (n_support, 0))
        adam = Adam(weights, self.recipe.lr)
        for _ in range(self.recipe.n_steps):
            slopes = self.logit_slopes(self.logits(weights, points), known, share)
            away = slopes.sum(-1, keepdim=True) * weights
            adam.step(torch.baddbmm(away, slopes, points, beta=-temperature, alpha=temperature))
        return weights

    def logit_slopes(self, logits: Tensor, known: Tensor, share: Tensor) -> Tensor:
        """Gradient of the loss by the logits, both ``[T, n_way, S + Q]``.

        Args:
            logits: of the support, then the queries.
            known: gradient of the support's cross-entropy by the logarithms of its probabilities;
                zeros for the queries.
            share: of each query in their mean, ``[S + Q]``; zeros for the support.
        """
        recipe, probabilities = self.recipe, logits.softmax(1)
        shares = probabilities * share
        mean = shares.sum(-1, keepdim=True)
        of_mean = self.negentropy_slope(mean, mean.clamp(min=1e-12).log())
        by_query = torch.sub(
            recipe.marginal_weight * of_mean,
            self.negentropy_slope(probabilities, logits),
            alpha=recipe.conditional_weight,
        )
        by_logs = torch.addcmul(known, shares, by_query)
        return by_logs.addcmul_(probabilities, by_logs.sum(1, keepdim=True), value=-1)

    def alternate(self, weights: Tensor, targets: Tensor, points: Tensor) -> Tensor:
        """Alternate between ideal assignments and weights (section 2.3); see `descend`."""
        recipe, n_support = self.recipe, targets.shape[-1]
        n_query = points.shape[1] - n_support
        sharpness = 1 + recipe.conditional_weight
        balance = recipe.marginal_weight / (recipe.marginal_weight + 1)
        importance = points.new_full((n_support + n_query,), n_support / n_query)
        importance[:n_support] = recipe.support_weight / sharpness
        for _ in range(recipe.n_alternations):
            now = self.logits(weights, points).softmax(1)
            sharp = now[..., n_support:] ** sharpness
            ideal = sharp / sharp.sum(-1, keepdim=True) ** balance
            ideal = torch.cat([targets, ideal / ideal.sum(1, keepdim=True)], dim=-1)
            moved = (importance * (ideal - now)) @ points
            kept = (importance * now).sum(-1, keepdim=True) * weights
            weights = (moved + kept) / (importance * ideal).sum(-1, keepdim=True)
        return weights


class AlphaTIMRecipe(TIMRecipe):
    """Settings of Veilleux et al. 2021 (oveilleux/Realistic_Transductive_Few_Shot).

    Its networks are TIM's [README, 1.1].
    """

    alpha: float = Field(
        2.0,
        gt=1,
        description="of entropies; 5 from 2 shots on [alpha_tim.yaml alpha_values], 7 from 5 "
        "shots on [get_alpha_values]",
    )
    support_weight: float = Field(1.0, ge=0, description="[alpha_tim.yaml loss_weights]")
    conditional_weight: float = Field(1.0, ge=0, description="[alpha_tim.yaml loss_weights]")
    solver: Literal["gradient"] = "gradient"

    shots: ClassVar[Mapping[int, Overrides]] = {
        2: {"alpha": 5.0},
        5: {"alpha": 7.0},
    }
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {"alpha": (2.0, 3.0, 5.0, 7.0)}


@methods.register("alpha-tim")
class AlphaTIM(TIM):
    """TIM with alpha-entropies, which force imbalanced queries less towards equal classes."""

    paper = Paper(
        "Realistic Evaluation of Transductive Few-Shot Learning",
        "Veilleux et al.",
        "NeurIPS",
        2021,
        "https://arxiv.org/abs/2204.11181",
    )
    remark = (
        "its alpha (2 at 1 shot, 5 from 2, 7 from 5 shots on) is the authors', chosen for queries "
        "in Dirichlet(2) shares; on balanced queries 2 does better (conv4-64 on val of CIFAR-FS: "
        "65.1 against 56.5 at 2 shots, 71.2 against 68.3 at 5)."
    )
    recipe: AlphaTIMRecipe

    def negentropy_slope(self, probabilities: Tensor, logs: Tensor) -> Tensor:
        """Derivative of (Σ p^α - 1) / (α - 1) by each p."""
        alpha = self.recipe.alpha
        return power(probabilities, alpha - 1) * (alpha / (alpha - 1))
