"""The multi-class support vector machine of Crammer & Singer 2001, differentiable."""

import torch
from torch import Tensor

from fewshot_bench.ops.basic import at_rest, project_to_simplex


def crammer_singer(kernel: Tensor, targets: Tensor, c: float) -> Tensor:
    """Solve the dual of T linear machines, with exact gradients.

    It is ``min ½ tr(Zᵀ kernel Z) - <targets, Z>`` where each row of Z sums to 0, and is at most
    `c` at its own class, at most 0 elsewhere. The slacks ``U = c targets - Z`` then lie on
    simplices. Without gradients we find out which of them are zero, then one linear system with
    gradients solves for the others: the gradient of the solution is that of this system. The
    solution is exact unless the kernel is very ill-conditioned.

    Args:
        kernel: positive definite, ``[T, S, S]``; float64 is worth its time.
        targets: one-hot labels, ``[T, S, W]``.
        c: bound of the coefficients, positive.

    Returns:
        Z, ``[T, S, W]``; class m has the weights ``supportᵀ Z[:, m]``.
    """
    with torch.no_grad():
        free = approximate_slacks(kernel, targets, c) > 0
        free = settle(kernel, targets, c, free)
    return c * targets - free_slacks(kernel, targets, c, free)


def approximate_slacks(
    kernel: Tensor, targets: Tensor, c: float, tolerance: float = 1e-5, max_steps: int = 1000
) -> Tensor:
    """Minimise over the slacks ``[T, S, W]`` by FISTA, to a `tolerance` in units of `c`.

    A task's momentum restarts where it leads uphill (O'Donoghue & Candès 2015).
    """
    step = 1 / torch.linalg.eigvalsh(kernel)[:, -1:, None]
    slacks = ahead = project_to_simplex(torch.zeros_like(targets), c)
    age = torch.ones_like(step)
    for taken in range(max_steps):
        before, slope = slacks, kernel @ (ahead - c * targets) + targets
        slacks = project_to_simplex(ahead - step * slope, c)
        if at_rest(slacks - ahead, c * tolerance, taken):
            break
        uphill = ((ahead - slacks) * (slacks - before)).sum((1, 2), keepdim=True) > 0
        age = torch.where(uphill, 1.0, age + 1)
        ahead = torch.lerp(before, slacks, 1 + (age - 1) / (age + 2))
    return slacks


def settle(kernel: Tensor, targets: Tensor, c: float, free: Tensor, max_rounds: int = 10) -> Tensor:
    """Exchange free slacks and zero ones until the optimality conditions hold.

    A slack that comes out negative is fixed at zero; one at zero is freed if the objective falls
    along it (primal-dual active set, Hintermüller et al. 2003). A task that does not come to rest
    keeps what it had.

    Args:
        kernel: ``[T, S, S]``.
        targets: ``[T, S, W]``.
        c: what each row of slacks sums to.
        free: bool ``[T, S, W]``, nearly right.
        max_rounds: at least 1.
    """
    start, tolerance = free, torch.finfo(kernel.dtype).eps ** 0.5
    for _ in range(max_rounds):
        slacks = free_slacks(kernel, targets, c, free)
        slope = kernel @ (slacks - c * targets) + targets
        level = (slope * free).sum(-1, keepdim=True) / free.sum(-1, keepdim=True)
        exchanged = torch.where(free, slacks > 0, slope < level - tolerance)
        moved = (exchanged != free).flatten(1).any(1)
        if not moved.any():
            break
        free = exchanged
    return torch.where(moved[:, None, None], start, free)


def free_slacks(kernel: Tensor, targets: Tensor, c: float, free: Tensor) -> Tensor:
    """Solve for the slacks that are free, the others being zero.

    Where free, ``kernel U + ν = c kernel targets - targets``, with a multiplier ν for each row's
    sum. The classes share nothing but ν: W systems of size S, then one for ν.

    Args:
        kernel: ``[T, S, S]``.
        targets: ``[T, S, W]``.
        c: what each row of U sums to.
        free: bool ``[T, S, W]``, at least one in each row.

    Returns:
        U, ``[T, S, W]``.
    """
    mask = free.transpose(1, 2).to(kernel.dtype)
    block = mask[..., :, None] * mask[..., None, :]
    inverse = (
        block * torch.linalg.inv_ex(block * kernel[:, None] + torch.diag_embed(1 - mask)).inverse
    )
    right = (c * kernel @ targets - targets).transpose(1, 2)[..., None]
    of_all, sums = inverse.sum(1), (inverse @ right).sum(1) - c
    multipliers: Tensor = torch.linalg.solve_ex(of_all, sums).result
    slacks: Tensor = inverse @ (right - multipliers[:, None])
    return slacks[..., 0].transpose(1, 2)
