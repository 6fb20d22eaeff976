"""Parts of a transductive refinement, on inner products and assignments alone."""

import torch
from torch import Tensor


def neighbours(gram: Tensor, sharpness: Tensor) -> Tensor:
    """Say how near images are to each other, of which none is its own neighbour.

    A softmax of the inner products, made symmetric.

    Args:
        gram: ``[T, N, N]``.
        sharpness: of the softmax, a scalar.

    Returns:
        ``[T, N, N]``; what the others are to an image sums to 1 over the middle dimension.
    """
    itself = torch.eye(gram.shape[1], dtype=torch.bool, device=gram.device)
    near = (sharpness * gram).masked_fill(itself, -torch.inf).softmax(1)
    near = near + near.transpose(1, 2)
    return near / near.sum(1, keepdim=True)


def levelled(logits: Tensor, exponent: Tensor | float, n_rounds: int) -> Tensor:
    """Assign queries to classes whose sizes are levelled: raised to a power, and kept to.

    Sinkhorn's iteration, whose wanted sizes follow those found in each round.

    Args:
        logits: ``[T, n_way, Q]``.
        exponent: a number, or ``[T, 1, 1]``; with 0 all classes get as much of the queries, with
            1 each keeps what it has.
        n_rounds: how often sizes are found, and corrected.

    Returns:
        Logarithm of the assignment, ``[T, n_way, Q]``.
    """
    shift = torch.zeros_like(logits[..., :1])
    for _ in range(n_rounds):
        assigned = (logits + shift).softmax(1)
        sizes = assigned.mean(-1, keepdim=True).clamp(min=1e-9).log()
        shift = shift + (exponent * sizes).log_softmax(1) - sizes
    return (logits + shift).log_softmax(1)
