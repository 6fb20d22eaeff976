"""Learning rates by their schedule, and one step of an optimiser."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from fewshot_bench.recipe import OptimRecipe
from fewshot_bench.training.optimisation import clip_gradients, learning_rate, make_optimizer
from fewshot_bench.training.trainer import Trainer
from tests.training.jobs import kept


@given(n_steps=st.integers(2, 500), warmup=st.floats(0, 0.9))
def test_one_cycle_rises_to_its_peak_and_falls_to_zero(n_steps: int, warmup: float) -> None:
    recipe = OptimRecipe(lr=0.3, schedule="one-cycle", warmup=warmup)
    rates = [learning_rate(recipe, step, n_steps) for step in range(n_steps)]
    assert all(0 <= rate <= 0.3 for rate in rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_the_paper_schedule_of_sib() -> None:
    recipe = OptimRecipe(lr=0.1, schedule="step", warmup=1 / 6, milestones=(50 / 60,))
    rates = [learning_rate(recipe, step, 60) for step in range(60)]
    assert rates[4] == pytest.approx(0.05)
    assert rates[9:50] == pytest.approx([0.1] * 41)
    assert rates[50:] == pytest.approx([0.01] * 10)


def test_one_cycle_is_a_straight_rise_and_half_a_cosine() -> None:
    recipe = OptimRecipe(lr=0.2, schedule="one-cycle", warmup=0.2)
    rates = [learning_rate(recipe, step, 10) for step in range(10)]
    assert rates[:2] == pytest.approx([0.1, 0.2])
    assert rates[5] == pytest.approx(0.1)
    assert rates[3] == pytest.approx(0.1 * (1 + 2**-0.5))
    constant = OptimRecipe(lr=0.2, schedule="constant", warmup=0, milestones=(0.5,))
    assert {learning_rate(constant, step, 10) for step in range(10)} == {0.2}
    steps = OptimRecipe(lr=1, schedule="step", warmup=0, milestones=(0.3, 0.6), gamma=0.5)
    assert [learning_rate(steps, step, 10) for step in (1, 2, 3, 5, 6)] == pytest.approx(
        [1, 1, 0.5, 0.5, 0.25]
    )


def test_an_optimiser_has_the_settings_of_the_recipe() -> None:
    settings: dict[str, Any] = {"lr": 0.3, "momentum": 0.8, "weight_decay": 0.01}
    (sgd,) = make_optimizer(OptimRecipe(**settings, nesterov=True), nn.Linear(1, 1)).param_groups
    assert (sgd["lr"], sgd["momentum"], sgd["weight_decay"], sgd["nesterov"]) == (
        *(0.3, 0.8, 0.01, True),
    )
    still = OptimRecipe(momentum=0, nesterov=True)
    assert not make_optimizer(still, nn.Linear(1, 1)).param_groups[0]["nesterov"]
    adam = make_optimizer(OptimRecipe(**settings, optimizer="adam"), nn.Linear(1, 1))
    assert isinstance(adam, torch.optim.Adam)
    assert (adam.param_groups[0]["lr"], adam.param_groups[0]["weight_decay"]) == (0.3, 0.01)


def one_step(**settings: object) -> dict[str, Tensor]:
    """How far one step of plain gradient descent, with gradients of 3 and 4, moves two weights."""
    module = nn.Module()
    module.backbone, module.head = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    before = {name: w.detach().clone() for name, w in module.named_parameters()}

    def objective(step: int) -> Tensor:
        loss: Tensor = 3 * module.backbone.weight.sum() + 4 * module.head.weight.sum()  # type: ignore[operator,union-attr]
        return loss

    recipe = OptimRecipe.model_validate({"lr": 0.1, "momentum": 0, **settings})
    job = Trainer("t", "it", module, objective, lambda: 0.0, recipe, 1, 1, 0, kept(Path("unused")))
    job._step(0)
    return {name: before[name] - w.detach() for name, w in module.named_parameters()}


def test_a_backbone_may_learn_more_slowly() -> None:
    moved = one_step(backbone_lr=0.01)
    assert float(moved["backbone.weight"]) == pytest.approx(0.003, rel=1e-3)
    assert float(moved["head.weight"]) == pytest.approx(0.4, rel=1e-3)
    frozen = nn.ModuleDict({"backbone": nn.Linear(1, 1), "head": nn.Linear(1, 1)})
    frozen["backbone"].requires_grad_(False)
    (group,) = make_optimizer(OptimRecipe(), frozen).param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in frozen["head"].parameters()]


def test_gradients_are_bounded_entry_by_entry_or_as_a_whole() -> None:
    entries = one_step(clip_value=3.5)
    assert float(entries["head.weight"]) == pytest.approx(0.35, rel=1e-3)
    whole = one_step(clip_norm=1.0)
    assert float(whole["backbone.weight"]) == pytest.approx(0.06, rel=1e-3)
    assert float(whole["head.weight"]) == pytest.approx(0.08, rel=1e-3)


def test_scales_and_biases_need_not_decay() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    recipe = OptimRecipe(decay_norms=False, weight_decay=0.1, nesterov=False)
    groups = make_optimizer(recipe, net).param_groups
    decays = {p.ndim: g["weight_decay"] for g in groups for p in g["params"]}
    assert decays == {2: 0.1, 1: 0.0}
    assert not any(group["nesterov"] for group in groups)


class Parts(nn.Module):
    """A backbone, a head of two tensors, and a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = nn.Linear(1, 1, bias=False), nn.Linear(1, 1)
        self.scale = nn.Parameter(torch.ones(()))
        for value, parameter in zip((3.0, 4.0, 8.0, 6.0), self.parameters(), strict=True):
            parameter.grad = torch.full_like(parameter, value)


@pytest.mark.parametrize(  # gradients: scale 3, backbone 4, head 8 and 6
    ("of", "norms"),
    [
        ("all", [3 / 125**0.5, 4 / 125**0.5, 8 / 125**0.5, 6 / 125**0.5]),
        ("modules", [1.0, 1.0, 0.8, 0.6]),
        ("heads", [1.0, 4.0, 0.8, 0.6]),
        ("tensors", [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_a_norm_is_bounded_of_what_the_recipe_says(of: Any, norms: list[float]) -> None:
    net = Parts()
    clip_gradients(OptimRecipe(clip_norm=1.0, clip_norm_of=of), net)
    assert [float(p.grad.norm()) for p in net.parameters()] == pytest.approx(norms, abs=1e-5)  # type: ignore[union-attr]


def test_entries_are_bounded_before_norms() -> None:
    net = Parts()
    clip_gradients(OptimRecipe(clip_value=5.0), net)
    assert [float(p.grad) for p in net.parameters()] == [3.0, 4.0, 5.0, 5.0]  # type: ignore[arg-type]
