"""Heads on frozen embeddings: against what their authors' releases answered.

Names of the releases and what they do otherwise are in the README of the oracles; the formulas
are worked out in the tests of each method.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe
from tests.baselines.made_up import method_of, scores_of
from tests.oracles import close, embedded, load_authors

SHOTS = pytest.mark.parametrize("shot", [1, 5])


def answers(
    shared: Path, oracle: str, name: str, **settings: Any
) -> tuple[Tensor, dict[str, Tensor]]:
    """Our probabilities of the queries, and what the release gave."""
    data = load_authors(shared, oracle)
    method = method_of(name, data["support"].shape[-1], **settings)
    if "param.train_mean" in data:
        method.base_mean.copy_(data["param.train_mean"])  # type: ignore[operator]
    return scores_of(method, embedded(data)).softmax(-1), data


@SHOTS
@pytest.mark.parametrize("n_steps", [0, 1, 10])
def test_tim_by_gradients(shared: Path, shot: int, n_steps: int) -> None:
    ours, data = answers(shared, f"tim_gd_{shot}shot", "tim", n_steps=n_steps)
    close(ours, data[f"logits_{n_steps}"].softmax(-1))


@SHOTS
def test_tim_by_alternation(shared: Path, shot: int) -> None:
    ours, data = answers(shared, f"tim_adm_{shot}shot", "tim", solver="alternating")
    close(ours, data["probabilities"])


@SHOTS
@pytest.mark.parametrize("n_steps", [0, 1, 10, 100])
def test_alpha_tim(shared: Path, shot: int, n_steps: int) -> None:
    """With the alpha that our recipe takes for so many shots."""
    recipe: Any = build_recipe(methods["alpha-tim"].recipe_type, n_shot=shot)
    ours, data = answers(
        shared, f"alpha_tim_{shot}shot", "alpha-tim", alpha=recipe.alpha, n_steps=n_steps
    )
    close(ours, data[f"logits_{n_steps}"].softmax(-1))


@pytest.mark.parametrize(("shot", "alpha"), [(1, 2), (2, 5), (4, 5), (5, 7), (20, 7)])
def test_alpha_goes_by_shots(shot: int, alpha: float) -> None:
    """As `get_alpha_values` of the release does; between 1 and 5 shots `alpha_tim.yaml` holds."""
    recipe: Any = build_recipe(methods["alpha-tim"].recipe_type, n_shot=shot)
    assert recipe.alpha == alpha


@SHOTS
@pytest.mark.parametrize("alpha", [10, 75])
def test_paddle(shared: Path, shot: int, alpha: int) -> None:
    """After the release's 100 steps; it divides its price, alpha, by the 75 queries."""
    ours, data = answers(
        shared, f"paddle_{shot}shot_alpha{alpha}", "paddle", unit_length=False, strength=alpha / 75
    )
    close(ours, data["probabilities"])
    assert methods["paddle"].recipe_type().n_steps == data["n_steps"]  # type: ignore[attr-defined]


@SHOTS
def test_pt_map(shared: Path, shot: int) -> None:
    """The release balances anew at every move, until changes are below 1e-6; ours goes on."""
    ours, data = answers(shared, f"pt_map_{shot}shot", "pt-map")
    assert torch.equal(ours.argmax(-1), data["predictions"].long())
    torch.testing.assert_close(ours, data["probabilities"], rtol=0, atol=3e-4)


@SHOTS
@pytest.mark.parametrize("rectify", [True, False])
def test_laplacian_shot(shared: Path, shot: int, rectify: bool) -> None:
    """The release stops once its energy rests, hence the tolerance.

    Rectifying, it gives a support image to the class it is nearest to; tasks in which that is
    not its own are left out.
    """
    oracle = f"laplacian_shot_{shot}shot{'' if rectify else '_norect'}"
    strength = {1: 0.7, 5: 0.3}[shot]
    ours, data = answers(shared, oracle, "laplacian-shot", strength=strength, rectify=rectify)
    close_tasks = (ours - data["probabilities"]).abs().amax((1, 2)) < 1e-4
    support = F.normalize(data["support"] - data["param.train_mean"], dim=-1)
    labels = data["support_labels"].expand(support.shape[:2])
    means = torch.stack([(support * (labels == c)[..., None]).sum(1) for c in range(5)], 1)
    nearest = (support @ F.normalize(means, dim=-1).transpose(1, 2)).argmax(-1)
    alike = (nearest == labels).all(1) | (not rectify)
    assert alike.sum() >= 2
    assert close_tasks[alike].all()
