"""Gradient descent on the support set of a task: what MAML and its kin share."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from fewshot_bench.backbones.base import Backbone, use_batch_statistics
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method
from fewshot_bench.ops.batch_norm import use_twice_batch_norms
from fewshot_bench.recipe import Recipe
from fewshot_bench.results import Setting

Weights = dict[str, Tensor]
Rates = Iterable[float | Tensor]


class InnerLoopRecipe(Recipe):
    """Length of the inner loop; defaults of cbfinn/maml (``main.py``) on mini-ImageNet."""

    inner_steps: int = Field(5, ge=0, description="in meta-training [cbfinn/maml main.py]")
    test_steps: int = Field(10, ge=0, description="at meta-test [cbfinn/maml main.py]")

    def n_steps(self, training: bool) -> int:
        """Steps of the inner loop in meta-training, or at meta-test."""
        return self.inner_steps if training else self.test_steps


class InnerLoopMethod(Method):
    """Adapts the whole network, a linear head included, to each task; `adapt` says how.

    Batch norm always uses the statistics of the current batch, which makes the method
    transductive: the queries of an episode are normalised together.
    """

    setting: Setting = "transductive"
    label_symmetric = False
    adapts_backbone = True
    recipe: InnerLoopRecipe

    def __init__(self, backbone: Backbone, recipe: InnerLoopRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if recipe.train is not None and recipe.train.frozen:
            raise UsageError(
                f"{type(self).__name__} adapts its backbone; leave train.frozen=false, or use "
                "--method anil, which adapts the head alone"
            )
        use_batch_statistics(backbone)
        use_twice_batch_norms(backbone)
        self.head = linear_head(backbone.out_dim, n_way)

    @property
    def network(self) -> nn.Sequential:
        """Backbone and head as one module; built anew, so that weights are registered once."""
        return nn.Sequential(self.backbone, self.head)

    @property
    def n_steps(self) -> int:
        """Steps of the inner loop, in the current mode."""
        return self.recipe.n_steps(self.training)

    def forward(self, episode: Episode) -> Tensor:
        """Adapt to each task in turn and score its queries, ``[T, Q, n_way]``.

        A loop over tasks: on a CPU it is faster than ``vmap``, and needs less memory.
        """
        self.require_way(episode.n_way)
        tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
        return torch.stack([self._solve(*task) for task in tasks])

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Meta-training loss, as `Method.loss`; differentiated already, task by task.

        The graph of an inner loop is by far the largest thing in memory: with one at a time, the
        memory does not grow with the tasks of a step. The loss can be differentiated once, and
        by images only in the ordinary way.
        """
        by_images = episode.support.requires_grad or episode.query.requires_grad
        if by_images or not torch.is_grad_enabled():
            return super().loss(episode, query_labels)
        self.require_way(episode.n_way)
        weights = [weight for weight in self.parameters() if weight.requires_grad]
        losses, gradients = [], []
        tasks = zip(
            episode.support, episode.support_labels, episode.query, query_labels, strict=True
        )
        for support, labels, query, wanted in tasks:
            loss = F.cross_entropy(self._solve(support, labels, query), wanted) / len(query_labels)
            gradients.append(torch.autograd.grad(loss, weights, allow_unused=True))
            losses.append(loss.detach())
        sums = [_sum_given(of_weight) for of_weight in zip(*gradients, strict=True)]
        differentiated: Tensor = _Differentiated.apply(  # type: ignore[no-untyped-call]
            torch.stack(losses).sum(), sums, *weights
        )
        return differentiated

    def _solve(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        return self.logits(self.adapt(support, labels), query, self.n_steps)

    def initial_weights(self) -> Weights:
        """Return by name what the inner loop starts from and adapts: all but `PerStepNorm`."""
        return {
            f"{path}.{name}": parameter
            for path, module in self.network.named_modules()
            if not isinstance(module, PerStepNorm)
            for name, parameter in module.named_parameters(recurse=False)
        }

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Fit one task.

        Args:
            support: images ``[S, C, H, W]``.
            labels: ``[S]``.

        Returns:
            Adapted weights by name.
        """
        raise TypeError(f"{type(self).__name__} does not define adapt")

    def descend(
        self, support: Tensor, labels: Tensor, rates: Sequence[Rates], first_order: bool
    ) -> Weights:
        """Take one gradient step on the mean support loss for each entry of `rates`.

        Args:
            support: images ``[S, C, H, W]``.
            labels: ``[S]``.
            rates: of each step, what multiplies the gradient of each weight.
            first_order: take the gradients for constants.

        Returns:
            Adapted weights by name; in training a differentiable function of the initial ones.
        """
        meta = self.training and torch.is_grad_enabled()
        weights = self.initial_weights()
        with torch.enable_grad():
            for step, step_rates in enumerate(rates):
                loss = F.cross_entropy(self.logits(weights, support, step), labels)
                gradients = torch.autograd.grad(
                    loss, list(weights.values()), create_graph=meta and not first_order
                )
                moves = zip(weights.items(), gradients, step_rates, strict=True)
                weights = {name: w - rate * g for (name, w), g, rate in moves}
        return weights

    def logits(self, weights: Weights, images: Tensor, step: int) -> Tensor:
        """Run the network on images ``[N, C, H, W]``, its weights having made `step` steps."""
        for module in self.backbone.modules():
            if isinstance(module, PerStepNorm):
                module.step = step
        logits: Tensor = functional_call(self.network, weights, (images,))
        return logits


class _Differentiated(torch.autograd.Function):
    """A number whose gradients are known already; None for a weight that it does not depend on."""

    @staticmethod
    def forward(  # the weights are there for the graph alone
        ctx: Any,
        value: Tensor,
        gradients: Sequence[Tensor | None],
        *weights: Tensor,  # noqa: ARG004
    ) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(None if g is None else outer[0] * g for g in ctx.gradients)


def _sum_given(gradients: Iterable[Tensor | None]) -> Tensor | None:
    given = [gradient for gradient in gradients if gradient is not None]
    return torch.stack(given).sum(0) if given else None


def linear_head(dim: int, n_way: int) -> nn.Linear:
    """Linear layer, Xavier and zeros at first, as in cbfinn/maml (``maml.py``)."""
    head = nn.Linear(dim, n_way)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    return head


class PerStepNorm(nn.Module):
    """Batch norm with weights and running statistics of its own for each inner step.

    Set k belongs to networks after k steps of the inner loop; the last also to all later ones.
    Weights stored by an ordinary batch norm are loaded into every set.

    Args:
        norm: whose place it takes.
        n_steps: steps of the inner loop in training; there is one set more.
    """

    running_mean: Tensor
    running_var: Tensor
    step: int = 0

    def __init__(self, norm: _BatchNorm, n_steps: int) -> None:
        super().__init__()
        shape = (n_steps + 1, norm.num_features)
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))
        self.momentum, self.eps = norm.momentum or 0.1, norm.eps

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps ``[N, C, H, W]``: by their own statistics in training."""
        k = min(self.step, len(self.weight) - 1)
        statistics = self.running_mean[k], self.running_var[k]
        affine = self.weight[k], self.bias[k]
        return F.batch_norm(maps, *statistics, *affine, self.training, self.momentum, self.eps)

    def _load_from_state_dict(self, state_dict: Weights, prefix: str, *args: Any) -> None:
        for name, own in self.state_dict().items():
            given = state_dict.get(prefix + name)
            if given is not None and given.dim() == 1:
                state_dict[prefix + name] = given.expand_as(own)
        super()._load_from_state_dict(state_dict, prefix, *args)


def use_per_step_norms(network: nn.Module, n_steps: int) -> None:
    """Replace every batch norm of a network by a `PerStepNorm`."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm):
                setattr(module, name, PerStepNorm(child, n_steps).to(child.weight))
