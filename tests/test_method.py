"""What a method gets from its base class."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fewshot_bench.method import methods, steps_shown
from tests.oracles import close, embedded, load
from tests.synthetic import make_method, make_tasks


def test_cross_entropy_is_the_default_loss(shared: Path) -> None:
    data = load(shared, "easyfsl_proto_net_1shot")
    cls = methods["proto-net"]
    method = cls(nn.Identity(), cls.recipe_type.model_validate({"scale": None}), 5)  # type: ignore[arg-type]
    episode = embedded(data)
    expected = F.cross_entropy(method(episode).transpose(1, 2), data["query_labels"].expand(4, -1))
    close(method.loss(episode, data["query_labels"].expand(4, -1)), expected)


@pytest.mark.parametrize("name", ["ssl-meta", "pt-map", "laplacian-shot", "soft-k-means"])
def test_each_step_of_a_refinement_is_what_fewer_steps_would_answer(name: str) -> None:
    method, (episode, _) = make_method(name), make_tasks(2, 1, separable=True)
    recipe = method.recipe
    steps = list(method.refinements(episode))
    assert method.recipe is recipe
    assert torch.equal(steps[-1].scores, method(episode))
    assert [each.step for each in steps] == sorted({each.step for each in steps})
    assert len(steps) > 2
    for each in steps[:-1]:
        method.recipe = recipe.model_copy(update={"n_steps": each.step})
        torch.testing.assert_close(each.scores, method(episode))
    changed = (steps[0].scores.softmax(-1) - steps[-1].scores.softmax(-1)).abs().max()
    assert changed > 1e-6


def test_class_weights_of_ssl_meta_give_its_scores() -> None:
    method: Any = make_method("ssl-meta")
    episode, _ = make_tasks(2, 1, separable=True)
    e = method.embedded(episode)
    for each in method.refinements(episode):
        assert each.weights is not None
        cosines = F.cosine_similarity(e.query[:, :, None], each.weights[:, None], dim=-1)
        torch.testing.assert_close(each.scores, method.scale * (method.bias + cosines))


def test_a_method_without_steps_answers_once() -> None:
    method, (episode, _) = make_method("proto-net"), make_tasks(2, 1, separable=True)
    (only,) = method.refinements(episode)
    assert (only.step, only.weights) == (0, None)
    assert torch.equal(only.scores, method(episode))


@pytest.mark.parametrize(("n", "shown"), [(0, [0]), (3, [0, 1, 2, 3]), (4, [0, 1, 2, 4])])
def test_at_most_four_steps_are_looked_at(n: int, shown: list[int]) -> None:
    assert steps_shown(n) == shown
    assert len(set(steps_shown(1000))) == 4
