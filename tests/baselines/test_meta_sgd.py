"""Meta-SGD: equal to MAML where all rates are equal, and a true gradient where they are not."""

from typing import Any

import pytest
import torch

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from tests.baselines.finite_differences import Smooth, assert_gradient_is_slope
from tests.oracles import close
from tests.synthetic import make_tasks


def method_of(name: str, backbone: Backbone | None = None, **settings: Any) -> Method:
    cls = methods[name]
    backbone = backbone or Conv4((1, 16, 16), (4, 4))
    method = cls(backbone, cls.recipe_type.model_validate(settings), 5).double()
    generator = torch.Generator().manual_seed(0)
    for key, weight in method.named_parameters():
        if not key.startswith("rates"):
            weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    return method


@pytest.mark.parametrize("first_order", [False, True])
def test_equal_rates_and_one_step_are_maml(first_order: bool) -> None:
    episode, labels = make_tasks(2, 1, separable=True)
    ours = method_of("meta-sgd", rate_min=0.25, rate_max=0.25, first_order=first_order)
    steps: dict[str, Any] = {"inner_steps": 1, "test_steps": 1, "first_order": first_order}
    theirs = method_of("maml", inner_lr=0.25, **steps)
    close(ours.eval()(episode), theirs.eval()(episode))
    for method in (ours.train(), theirs.train()):
        torch.autograd.backward(method.loss(episode, labels))
    gradients = dict(ours.named_parameters())
    for key, weight in theirs.named_parameters():
        assert weight.grad is not None
        close(gradients[key].grad, weight.grad)


def test_weights_and_rates_follow_the_slope_of_the_loss() -> None:
    method, (episode, labels) = method_of("meta-sgd", Smooth()), make_tasks(2, 1, separable=False)
    method.train()
    assert_gradient_is_slope(method, lambda: method.loss(episode, labels))


def test_initial_rates_fill_their_range() -> None:
    method = method_of("meta-sgd", rate_min=0.1, rate_max=0.3)
    rates = torch.cat(
        [r.detach().flatten() for k, r in method.named_parameters() if k.startswith("rates")]
    )
    assert len(rates) == sum(w.numel() for w in method.parameters()) // 2
    assert 0.1 <= float(rates.min()) < 0.12
    assert 0.28 < float(rates.max()) <= 0.3
    with pytest.raises(UsageError, match=r"rate_min is above rate_max=1.0"):
        method_of("meta-sgd", rate_min=1.2)
