"""ANIL: equal to MAML on embeddings that stay as they are."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from tests.baselines.finite_differences import Smooth, assert_gradient_is_slope
from tests.oracles import Identity, close
from tests.synthetic import make_tasks

SETTINGS = {"inner_steps": 3, "test_steps": 6, "inner_lr": 0.3}


def on_embeddings(name: str, first_order: bool = False, n_way: int = 5) -> Method:
    torch.manual_seed(0)
    cls = methods[name]
    recipe = cls.recipe_type.model_validate({**SETTINGS, "first_order": first_order})
    return cls(Identity(12), recipe, n_way).double()


def make_embedded(n_way: int = 5) -> tuple[Episode, Tensor]:
    episode, labels = make_tasks(3, 2, separable=True, n_way=n_way)
    support, query = (x.flatten(2)[..., :12] for x in (episode.support, episode.query))
    return replace(episode, support=support, query=query, embedded=True), labels


@pytest.mark.parametrize("first_order", [False, True])
def test_learns_as_maml_does_with_its_backbone_held_fixed(first_order: bool) -> None:
    gradients = []
    for name in ("anil", "maml"):
        method, (episode, labels) = on_embeddings(name, first_order).train(), make_embedded()
        inputs = [episode.support.requires_grad_(), episode.query.requires_grad_()]
        loss = method.loss(episode, labels)
        inputs += list(method.parameters())
        gradients.append(torch.autograd.grad(loss, inputs, materialize_grads=True))
    for ours, theirs in zip(*gradients, strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("n_way", [2, 5])
def test_answers_as_maml_does_with_its_backbone_held_fixed(n_way: int) -> None:
    episode, _ = make_embedded(n_way)
    anil, maml = (on_embeddings(name, n_way=n_way).eval() for name in ("anil", "maml"))
    close(anil(episode), maml(episode))


def test_the_backbone_learns_through_the_inner_loop() -> None:
    cls = methods["anil"]
    method = cls(Smooth(), cls.recipe_type.model_validate(SETTINGS), 5).double().train()
    episode, labels = make_tasks(2, 1, separable=False)
    assert_gradient_is_slope(method, lambda: method.loss(episode, labels))


def test_another_way_is_refused() -> None:
    with pytest.raises(UsageError, match="built for 5 ways, not 2"):
        on_embeddings("anil")(make_embedded(2)[0])
