"""Numerics that several methods share; every function takes a batch of T tasks."""

import torch
import torch.nn.functional as F
from torch import Tensor

_STEPS_UNSEEN = 16  # of an iteration on a device, between looks at it


def one_hot(labels: Tensor, n_way: int, like: Tensor) -> Tensor:
    """Return labels ``[T, S]`` as ``[T, S, n_way]`` of the type of `like`."""
    return F.one_hot(labels, n_way).to(like.dtype)


def prototypes(support: Tensor, support_labels: Tensor, n_way: int) -> Tensor:
    """Mean of the support embeddings of each class.

    Args:
        support: ``[T, S, D]``.
        support_labels: int64 ``[T, S]``; every class occurs.
        n_way: number of classes.

    Returns:
        ``[T, n_way, D]``.
    """
    weights = one_hot(support_labels, n_way, support)
    return (weights / weights.sum(1, keepdim=True)).transpose(1, 2) @ support


def squared_distances(query: Tensor, centres: Tensor) -> Tensor:
    """Squared Euclidean distances of ``[T, Q, D]`` to ``[T, W, D]``: ``[T, Q, W]``."""
    # The norm goes over the numbers once, and is twice as fast on a CPU as the sum of the squares.
    of_query, of_centre = (torch.linalg.vector_norm(x, dim=-1).square() for x in (query, centres))
    squares = of_query[..., None] + of_centre[:, None]
    return torch.baddbmm(squares, query, centres.transpose(1, 2), alpha=-2)


def distances(query: Tensor, centres: Tensor) -> Tensor:
    """Euclidean distances, not squared, of ``[T, Q, D]`` to ``[T, W, D]``: ``[T, Q, W]``."""
    return torch.cdist(query, centres, compute_mode="donot_use_mm_for_euclid_dist")


def cosine(query: Tensor, centres: Tensor) -> Tensor:
    """Cosines of ``[T, Q, D]`` with ``[T, W, D]``: ``[T, Q, W]``."""
    lengths = torch.linalg.vector_norm(query, dim=-1, keepdim=True).clamp(min=1e-12)
    cosines: Tensor = query @ F.normalize(centres, dim=-1).transpose(1, 2) / lengths
    return cosines


def accuracy(answers: Tensor, labels: Tensor) -> Tensor:
    """Fraction of right answers of each task, float64 ``[T]`` on the CPU.

    Args:
        answers: ``[T, Q]``.
        labels: ``[T, Q]``.
    """
    return (answers == labels).cpu().to(torch.float64).mean(-1)


def rectified_prototypes(
    support: Tensor, support_labels: Tensor, query: Tensor, n_way: int, scale: float
) -> Tensor:
    """Prototypes of support and queries together, as BD-CSPN and LaplacianShot rectify them.

    Each query joins the class of the prototype of largest cosine. An image counts as much as it
    is sure to be of its class: by the softmax, over the *classes*, of its scaled cosines. The
    weighted images of a class are averaged, so that a prototype is the shorter, the less sure its
    images are.

    Args:
        support: ``[T, S, D]``.
        support_labels: int64 ``[T, S]``.
        query: ``[T, Q, D]``.
        n_way: number of classes.
        scale: of the cosines.

    Returns:
        ``[T, n_way, D]``.
    """
    centres = prototypes(support, support_labels, n_way)
    of_support, of_query = cosine(support, centres), cosine(query, centres)
    labels = torch.cat([support_labels, of_query.argmax(-1)], dim=1)
    members = one_hot(labels, n_way, support)
    weights = members * (scale * torch.cat([of_support, of_query], dim=1)).softmax(-1)
    weights = (weights / members.sum(1, keepdim=True)).transpose(1, 2)
    n_support = support.shape[1]
    return weights[..., :n_support] @ support + weights[..., n_support:] @ query


def power(base: Tensor, exponent: float) -> Tensor:
    """Return ``base ** exponent`` for a base that is not negative; of even exponents by squares.

    Several times faster than PyTorch's, which is as fast for exponents of 2 and 3 only.
    """
    if exponent == 1:
        return base
    if exponent > 2 and exponent % 2 == 0:
        return power(base.square(), exponent / 2)
    return base**exponent


def ridge(gram: Tensor, targets: Tensor, strength: Tensor | float) -> Tensor:
    """Solve ridge regression for the coefficients of the support.

    The weights ``supportᵀ coefficients`` minimise ``|support w - targets|² + strength |w|²``;
    thanks to the Woodbury identity the system is as large as the support, not as its embeddings.

    Args:
        gram: inner products of the support, ``[..., S, S]``.
        targets: ``[..., S, W]``.
        strength: positive.

    Returns:
        ``(gram + strength I)⁻¹ targets``, ``[..., S, W]``.
    """
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    # `solve` would look whether it could, for which a GPU is waited for; what cannot be solved is
    # not finite, and is refused where scores and losses are.
    coefficients: Tensor = torch.linalg.solve_ex(gram + strength * identity, targets).result
    return coefficients


def at_rest(change: Tensor, tolerance: float, step: int) -> bool:
    """Whether an iteration may end: no entry of its last change was as large as the tolerance.

    On a CPU it is looked at in every step; on other devices, which have to be waited for, in every
    sixteenth, as some steps more do no harm.

    Args:
        change: of any shape.
        tolerance: positive.
        step: counted from 0.
    """
    if change.device.type != "cpu" and step % _STEPS_UNSEEN != _STEPS_UNSEEN - 1:
        return False
    return bool(change.abs().max() < tolerance)


def project_to_simplex(points: Tensor, total: float) -> Tensor:
    """Return the nearest ``x >= 0`` that sums to `total`, for each of ``[..., W]``.

    The sorted threshold of Held et al. 1974: what is cut off is exactly zero.
    """
    ranked = points.sort(-1, descending=True).values
    counts = torch.arange(1, points.shape[-1] + 1, dtype=points.dtype, device=points.device)
    shifts = (ranked.cumsum(-1) - total) / counts
    positive = (ranked > shifts).sum(-1, keepdim=True)
    return (points - shifts.gather(-1, positive - 1)).clamp(min=0)


def mixed_distances(gram: Tensor, mix: Tensor) -> Tensor:
    """Squared distances of points to centres that are mixes of them, from inner products alone.

    Args:
        gram: inner products of the points, ``[T, N, N]``.
        mix: the centres' coefficients, ``[T, W, N]``.

    Returns:
        ``[T, W, N]``.
    """
    cross = mix @ gram
    squares = gram.diagonal(dim1=1, dim2=2)[:, None] + (cross * mix).sum(-1, keepdim=True)
    return squares - 2 * cross
