"""MAML's meta-gradient by `torch.func.vmap` over tasks, to be compared with our loop over them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from fewshot_bench.bases.inner_loop import InnerLoopMethod
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.ops.batch_norm import TwiceBatchNorm2d


class WrittenNorm(nn.BatchNorm2d):
    """Batch norm by the statistics of the batch, in plain arithmetic.

    PyTorch's own has another second derivative under vmap than without (2.13 on a CPU: the
    meta-gradient is off by 5 %), and ours is written for no vmap.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]``."""
        variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0, keepdim=True)
        normal = (maps - mean) * torch.rsqrt(variance + self.eps)
        return normal * self.weight[:, None, None] + self.bias[:, None, None]


def written_norms(method: InnerLoopMethod) -> InnerLoopMethod:
    """Let the batch norms of a method be such, in place."""
    for module in method.modules():
        if type(module) is TwiceBatchNorm2d:
            module.__class__ = WrittenNorm  # type: ignore[assignment]
    return method


def loss(method: InnerLoopMethod, episode: Episode, query_labels: Tensor, rate: float) -> Tensor:
    """Second-order meta-training loss of all tasks at once, see `InnerLoopMethod.loss`.

    Args:
        method: see `written_norms`.
        episode: images of T tasks.
        query_labels: ``[T, Q]``.
        rate: of the inner loop.
    """
    network, start = method.network, method.initial_weights()

    def support_loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(network, weights, (images,)), labels)

    def task_loss(support: Tensor, labels: Tensor, query: Tensor, wanted: Tensor) -> Tensor:
        weights = start
        for _ in range(method.n_steps):
            slopes = grad(support_loss)(weights, support, labels)
            weights = {name: w - rate * slopes[name] for name, w in weights.items()}
        return F.cross_entropy(functional_call(network, weights, (query,)), wanted)

    losses: Tensor = vmap(task_loss, randomness="different")(
        episode.support, episode.support_labels, episode.query, query_labels
    )
    return losses.mean()


def gradient(value: Tensor, method: nn.Module) -> Tensor:
    """Differentiate a loss by all weights, in one vector."""
    method.zero_grad()
    torch.autograd.backward(value)
    given = [p.grad.flatten() for p in method.parameters() if p.grad is not None]
    return torch.cat(given)
