"""Time the same evaluation the plain way: as the formulas are written, and by threads.

Usage: python -m bench.ours.formerly FOLDER METHOD-SHOTS EPISODES
"""

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from bench.ours.at_test import measure
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods


def by_autograd(tim: type[Any]) -> type[Method]:
    """Make of TIM or alpha-TIM one whose gradient is that of the loss, as in the releases."""

    class ByAutograd(tim):  # type: ignore[misc]
        at_once = AtOnce()

        @torch.enable_grad()
        def descend(self, weights: Tensor, targets: Tensor, points: Tensor) -> Tensor:
            adam = torch.optim.Adam([weights.requires_grad_()], lr=self.recipe.lr)
            for _ in range(self.recipe.n_steps):
                adam.zero_grad()
                loss = self.written_loss(self.logits(weights, points), targets)
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
            return weights.detach()

        def written_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
            recipe, n = self.recipe, targets.shape[-1]
            query = logits[..., n:].softmax(1)
            error = -(targets * logits[..., :n].log_softmax(1)).sum((1, 2)) / n
            mean = query.mean(-1, keepdim=True)
            of_each = self.entropy(query).mean(-1)
            losses = recipe.support_weight * error + recipe.conditional_weight * of_each
            loss: Tensor = (losses - recipe.marginal_weight * self.entropy(mean)[:, 0]).sum()
            return loss

        def entropy(self, p: Tensor) -> Tensor:
            alpha = getattr(self.recipe, "alpha", None)
            if alpha is None:
                return -(p * p.clamp(min=1e-12).log()).sum(1)
            entropies: Tensor = (1 - p.pow(alpha).sum(1)) / (alpha - 1)
            return entropies

    return ByAutograd


def as_in_training(cls: type[Method]) -> type[Method]:
    """Make of a method one that is built as it is in training; its networks do not train."""

    class AsInTraining(cls):  # type: ignore[misc, valid-type]
        at_once = AtOnce(tasks=1)

        def forward(self, episode: Episode) -> Tensor:
            self.training = True
            try:
                scores: Tensor = super().forward(episode)
            finally:
                self.training = False
            return scores

    return AsInTraining


def plain(cls: type[Method]) -> type[Method]:
    """Return the plain form of a method."""
    return by_autograd(cls) if issubclass(cls, methods["tim"]) else as_in_training(cls)


if __name__ == "__main__":
    with patch("fewshot_bench.evaluation.parallel.can_copy", return_value=False):
        measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), plain)
