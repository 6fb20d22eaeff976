"""Optimisers and learning rates of a recipe."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fewshot_bench.recipe import OptimRecipe

# What the optimisers keep of a parameter.
_ADAM, _SGD = {"step", "exp_avg", "exp_avg_sq"}, {"momentum_buffer"}


def learning_rate(recipe: OptimRecipe, step: int, n_steps: int) -> float:
    """Learning rate of a step (counted from 0): a pure function, so that resuming is exact."""
    progress = (step + 1) / n_steps
    rise = min(1.0, progress / recipe.warmup) if recipe.warmup else 1.0
    if recipe.schedule == "one-cycle" and progress > recipe.warmup:
        fall = (progress - recipe.warmup) / max(1e-12, 1 - recipe.warmup)
        return recipe.lr * (1 + math.cos(math.pi * fall)) / 2
    passed = sum(progress > milestone for milestone in recipe.milestones)
    factor = recipe.gamma**passed if recipe.schedule == "step" else 1.0
    return recipe.lr * rise * factor


def make_optimizer(recipe: OptimRecipe, module: nn.Module) -> torch.optim.Optimizer:
    """Build the recipe's optimiser over the parameters that want gradients.

    Each group's ``lr_factor`` scales the learning rate of the schedule.
    """
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            factor = recipe.backbone_lr if name.startswith("backbone.") else 1.0
            decays = recipe.decay_norms or parameter.ndim > 1
            groups.setdefault((factor, decays), []).append(parameter)
    trained = [
        {"params": params, "lr_factor": factor} | ({} if decays else {"weight_decay": 0.0})
        for (factor, decays), params in groups.items()
    ]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(trained, lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        trained,
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov and recipe.momentum > 0,
    )


def load_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], n_steps: int
) -> None:
    """Give an optimiser its state back: ``INDEX.ENTRY`` of the parameter with that index.

    Args:
        optimizer: of the same parameters.
        tensors: what it kept.
        n_steps: how many steps it had taken.

    Raises:
        ValueError: there is no such parameter, or so many steps leave another state.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, entry = name.partition(".")
        index = int(number)
        if not 0 <= index < len(parameters):
            raise ValueError(f"no parameter has a state '{name}'")
        _check_entry(entry, tensor, parameters[index], n_steps)
        state.setdefault(index, {})[entry] = tensor
    whole = _ADAM if isinstance(optimizer, torch.optim.Adam) else _SGD
    if any(entries.keys() != whole for entries in state.values()):
        raise ValueError(f"the state of each parameter is {', '.join(sorted(whole))}")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _check_entry(entry: str, tensor: Tensor, parameter: Tensor, n_steps: int) -> None:
    """Refuse what no step leaves: Adam counts its steps, and squares are not negative."""
    shape = () if entry == "step" else parameter.shape
    if tensor.shape != shape or not tensor.is_floating_point():
        raise ValueError(f"{entry} of a parameter has another shape or kind")
    if entry == "step" and not 1 <= tensor.item() <= n_steps:
        raise ValueError(f"{entry} is none of {n_steps}")
    if entry == "exp_avg_sq" and bool((tensor < 0).any()):
        raise ValueError(f"{entry} is negative")


def clip_gradients(recipe: OptimRecipe, module: nn.Module) -> None:
    """Bound a module's gradients in place: each entry, then each norm, as a recipe has it."""
    if recipe.clip_value is not None:
        nn.utils.clip_grad_value_(module.parameters(), recipe.clip_value)
    if recipe.clip_norm is not None:
        for group in _clipped_together(recipe, module):
            nn.utils.clip_grad_norm_(group, recipe.clip_norm)


def _clipped_together(recipe: OptimRecipe, module: nn.Module) -> list[list[nn.Parameter]]:
    """Group the parameters by the norm that they share; see `OptimRecipe.clip_norm_of`."""
    if recipe.clip_norm_of == "all":
        return [list(module.parameters())]
    if recipe.clip_norm_of == "tensors":
        return [[parameter] for parameter in module.parameters()]
    modules = dict(module.named_children())
    if recipe.clip_norm_of == "heads":
        modules.pop("backbone", None)
    groups = [list(child.parameters()) for child in modules.values()]
    return [*groups, list(module.parameters(recurse=False))]
