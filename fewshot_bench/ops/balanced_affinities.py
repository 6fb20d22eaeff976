"""BPA: each image of a task described by its affinities to all of them."""

import torch
from torch import Tensor


def balanced_affinities(
    cosines: Tensor,
    regulariser: float = 0.1,
    n_rounds: int = 10,
    support_labels: Tensor | None = None,
) -> Tensor:
    """Turn cosines into affinities of which every image gives and gets the same amount.

    The matrix is that of optimal transport of the set of images to itself, at the cost of 1 minus
    the cosine, where nothing may stay in its place, under an entropy (Sinkhorn). Its rows are the
    new embeddings of the images (Shalam & Korman 2024; DanielShalam/BPA,
    ``bpa/balanced_pairwise_affinities.py``). Gradients flow through all rounds.

    Args:
        cosines: of the images of each task, support first, ``[T, N, N]``; N at least 2.
        regulariser: weight of the entropy; the smaller, the sharper.
        n_rounds: Sinkhorn rounds, each over rows, then columns. All are taken, where the release
            stops a batch of tasks at once, when their rows' potentials change by less than 0.1 in
            sum, on average over the tasks.
        support_labels: int64 ``[T, S]``; if given, pairs within the support have affinity 1 if
            they are of one class, else 0.

    Returns:
        ``[T, N, N]``, 1 on the diagonal, elsewhere in proportion to the largest of the task.
    """
    itself = torch.eye(cosines.shape[1], dtype=torch.bool, device=cosines.device)
    logits = ((cosines - 1) / regulariser).masked_fill(itself, -torch.inf)
    for _ in range(n_rounds):
        logits = logits - logits.logsumexp(2, keepdim=True)
        logits = logits - logits.logsumexp(1, keepdim=True)
    affinities = (logits - logits.amax((1, 2), keepdim=True)).exp()
    if support_labels is not None:
        n_support = support_labels.shape[1]
        same = support_labels[:, :, None] == support_labels[:, None]
        affinities = affinities.clone()
        affinities[:, :n_support, :n_support] = same.to(affinities.dtype)
    return affinities.masked_fill(itself, 1.0)
