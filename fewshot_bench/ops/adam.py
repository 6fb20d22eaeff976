"""Adam for small tensors, of which many steps are taken."""

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma & Ba 2015) on one tensor, with the numbers of ``torch.optim.Adam``.

    What that does around a step takes longer than the step.

    Args:
        weights: changed by each step.
        lr: step size.
    """

    def __init__(self, weights: Tensor, lr: float) -> None:
        self.weights, self.lr = weights, lr
        self.mean, self.square = torch.zeros_like(weights), torch.zeros_like(weights)
        self.n_steps = torch.zeros((), device=weights.device)

    def step(self, gradient: Tensor) -> None:
        """Move the weights, given the gradient of what they shall lower."""
        self.n_steps.add_(1)
        torch._fused_adam_(
            [self.weights],
            [gradient],
            [self.mean],
            [self.square],
            [],
            [self.n_steps],
            lr=self.lr,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )
