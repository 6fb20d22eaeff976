"""BAVARDAGE: variational clusters of the queries, in the plane that the class means span."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.normalised_head import NormalisedMethod, NormalisedRecipe
from fewshot_bench.bases.published_pretraining import S2M2
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import one_hot, squared_distances
from fewshot_bench.ops.soft_clusters import gram_of, soft_clusters
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides


class BAVARDAGERecipe(NormalisedRecipe):
    """Settings of Hu et al. 2023 and yhu01/BAVARDAGE (``bavardage.py``, ``vb_equi_iso.py``)."""

    transform: Literal["CL2N", "L2N", "UN"] = Field(
        "CL2N", description="of each embedding, see simple-shot [ME of --preprocess MESV]"
    )
    start_temperature: float = Field(
        10.0, gt=0, description="of the soft k-means that begins, by squared distance [T_km]"
    )
    n_start_steps: int = Field(5, ge=1, description="of it [nIter_km]")
    temperature: float = Field(
        200.0,
        gt=0,
        description="inverse variance of a class; release: 4, for CUB [README T_vb], at which one "
        "class takes all queries of Conv-4 (on CIFAR-FS val)",
    )
    n_steps: int = Field(5, ge=1, description="variational rounds [nIter_vb]")
    clip: float = Field(
        0.5,
        gt=0,
        description="largest factor by which a direction is stretched; release: 5, for CUB "
        "[README clp]; less suits Conv-4 better (on CIFAR-FS val)",
    )
    concentration: float = Field(
        2.0, gt=0, description="of the Dirichlet prior of the classes' shares [alpha0]"
    )
    pull: float = Field(
        10.0, ge=0, description="images that the prior mean 0 of a class counts for [beta_o]"
    )
    balanced: bool = Field(
        False, description="the shares are known to be equal [--balanced]; else inferred"
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        # Networks of S2M2_R, as PT-MAP's; the numbers are those for CUB, which is all there is.
        "paper": {**S2M2, "temperature": 4.0, "clip": 5.0}
    }
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {  # what the README sets
        "temperature": (4.0, 50.0, 100.0, 200.0, 400.0),
        "clip": (0.5, 1.0, 5.0),
    }


@methods.register("bavardage")
class BAVARDAGE(NormalisedMethod):
    """Gaussian classes with priors on their means and shares, after stretching by the base.

    Directions along which images of one class differ little, on the train split, are stretched.
    Soft k-means gives a first assignment; each round then infers the posteriors of the means and
    of the shares, and assigns the queries within the plane of the class means.

    A direction is stretched by what its scatter *sums* to over the images of a class. The release
    has its settings for CUB alone, with some 60 images a class; with 600 they pull all classes
    into one (preset ``paper``), hence our other defaults. It also adds a machine epsilon within
    its softmax, which is left out here.
    """

    setting = "transductive"
    paper = Paper(
        "Adaptive Dimension Reduction and Variational Inference for Transductive Few-Shot "
        "Classification",
        "Hu et al.",
        "AISTATS",
        2023,
        "https://arxiv.org/abs/2209.08527",
    )
    recipe: BAVARDAGERecipe
    stretch: Tensor

    def __init__(self, backbone: Backbone, recipe: BAVARDAGERecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        self.register_buffer("stretch", torch.eye(self.embedding_dim))

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Keep the mean of the train split, and the inverse root of its within-class scatter."""
        super().see_base(embeddings, labels)
        spread, axes = torch.linalg.eigh(within_scatter(self.transform(embeddings), labels))
        self.stretch.copy_(axes * (spread.clamp(min=0) + 1e-6).rsqrt() @ axes.T)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logits of the last assignment, ``[T, Q, n_way]``."""
        recipe = self.recipe
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        rounds = [(2 * recipe.start_temperature, 0.0)] * recipe.n_start_steps
        logits = soft_clusters(gram_of(support, query), targets, rounds)
        points = self.stretched(torch.cat([support, query], dim=1))
        for _ in range(recipe.n_steps):
            logits = self.infer(points, targets, logits.softmax(1))
        return logits.transpose(1, 2)

    def stretched(self, points: Tensor) -> Tensor:
        """Images ``[T, N, D]`` in axes of their own span, scaled: ``[T, N, min(N, D)]``.

        The release takes the span from an SVD; any basis gives the same distances.
        """
        basis = torch.linalg.qr(points.transpose(1, 2)).Q
        within = (self.stretch @ basis).double()  # factors of a thousand are squared
        squares, axes = torch.linalg.eigh(within.transpose(1, 2) @ within)
        factors = squares.clamp(min=0).sqrt().clamp(max=self.recipe.clip)
        placed: Tensor = points @ basis @ (axes * factors[:, None]).to(points.dtype)
        return placed

    def infer(self, points: Tensor, targets: Tensor, assigned: Tensor) -> Tensor:
        """One variational round: posteriors from the assignment, and the logits of the next.

        Args:
            points: support, then queries, ``[T, S + Q, R]``.
            targets: one-hot labels of the support, ``[T, n_way, S]``.
            assigned: probabilities of the queries, ``[T, n_way, Q]``.
        """
        members = torch.cat([targets, assigned], dim=-1)
        weights = self.recipe.pull + members.sum(-1, keepdim=True)
        means = members @ points / weights
        plane = torch.linalg.qr((means[:, 1:] - means[:, :1]).transpose(1, 2)).Q
        apart = squared_distances(means @ plane, points[:, targets.shape[-1] :] @ plane)
        logits = -self.recipe.temperature / 2 * apart - (len(targets[0]) - 1) / (2 * weights)
        if self.recipe.balanced:
            return logits
        return logits + torch.digamma(assigned.sum(-1, keepdim=True) + self.recipe.concentration)


def within_scatter(points: Tensor, labels: Tensor) -> Tensor:
    """Scatter of a class around its mean, float64 ``[D, D]``.

    It is the mean over classes of their scatters, each brought to the mean of their norms.

    Args:
        points: ``[N, D]``.
        labels: int64 ``[N]``.
    """
    total, norms = points.new_zeros(2 * points.shape[1:], dtype=torch.float64), []
    for label in labels.unique():  # type: ignore[no-untyped-call]
        of_class = points[labels == label].double()
        centred = of_class - of_class.mean(0)
        scatter = centred.T @ centred
        norms.append(scatter.norm())
        total += scatter / norms[-1]
    return total / len(norms) * torch.stack(norms).mean()
