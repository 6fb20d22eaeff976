"""What every registered method must keep, whoever wrote it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import accuracy
from fewshot_bench.presets import PRESETS, build_recipe
from tests.synthetic import make_method, make_tasks

NAMES = list(methods)

pytestmark = pytest.mark.parametrize("name", NAMES)


def close(first: Tensor, second: Tensor) -> None:
    torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-8)


def answer(name: str, n_shot: int = 1, separable: bool = True, n_tasks: int = 3) -> Tensor:
    with torch.no_grad():
        scores: Tensor = make_method(name, n_shot)(make_tasks(n_tasks, n_shot, separable)[0])
    return scores


def mean_accuracy(method: Method, episode: Episode, labels: Tensor) -> float:
    with torch.no_grad():
        return float(accuracy(method.eval()(episode).argmax(-1), labels).mean())


@pytest.mark.parametrize("n_shot", [1, 5])
def test_scores_are_finite_and_of_the_right_shape(name: str, n_shot: int) -> None:
    scores = answer(name, n_shot)
    assert scores.shape == (3, 30, 5)
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("n_way", [2, 7])
def test_any_way(name: str, n_way: int) -> None:
    method = make_method(name, n_way=n_way)
    with torch.no_grad():
        scores = method(make_tasks(2, 1, separable=True, n_way=n_way)[0])
    assert scores.shape == (2, 6 * n_way, n_way)


@pytest.mark.parametrize("n_classes", [1, 2])
def test_queries_may_be_of_fewer_classes_than_the_support(name: str, n_classes: int) -> None:
    episode, labels = make_tasks(1, 1, separable=True)
    episode = replace(episode, query=episode.query[:, labels[0] < n_classes])
    with torch.no_grad():
        scores = make_method(name)(episode)
    assert scores.shape == (1, 6 * n_classes, 5)
    assert torch.isfinite(scores).all()


def test_same_seed_same_answer(name: str) -> None:
    assert torch.equal(answer(name), answer(name))


def test_an_episode_leaves_no_trace(name: str) -> None:
    method = make_method(name)
    first, second = (make_tasks(2, 1, separable=True, seed=seed)[0] for seed in (0, 1))
    with torch.no_grad():
        before = method(first)
        method(second)
        assert torch.equal(method(first), before)


def test_tasks_of_a_batch_do_not_mix(name: str) -> None:
    method, (episode, _) = make_method(name), make_tasks(3, 1, separable=True)
    alone = replace(
        episode,
        support=episode.support[1:2],
        support_labels=episode.support_labels[1:2],
        query=episode.query[1:2],
    )
    with torch.no_grad():
        close(method(alone), method(episode)[1:2])


def test_support_order_counts_only_if_the_method_says_so(name: str) -> None:
    method, (episode, _) = make_method(name, 5), make_tasks(2, 5, separable=True)
    order = torch.randperm(25, generator=torch.Generator().manual_seed(0))
    shuffled = replace(
        episode,
        support=episode.support[:, order],
        support_labels=episode.support_labels[:, order],
    )
    with torch.no_grad():
        if method.support_symmetric:
            close(method(shuffled), method(episode))
        else:
            assert not torch.allclose(method(shuffled), method(episode), rtol=1e-6, atol=1e-8)


def test_query_order_is_irrelevant(name: str) -> None:
    method, (episode, _) = make_method(name), make_tasks(2, 1, separable=True)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    shuffled = replace(episode, query=episode.query[:, order])
    with torch.no_grad():
        close(method(shuffled), method(episode)[:, order])


def test_renaming_the_classes_renames_the_answers(name: str) -> None:
    """Holds exactly unless weights belong to label positions, as the method then declares."""
    method, (episode, _) = make_method(name, 5), make_tasks(2, 5, separable=True)
    renaming = torch.tensor([2, 0, 4, 1, 3])
    renamed = replace(episode, support_labels=renaming[episode.support_labels])
    with torch.no_grad():
        symmetric = torch.allclose(
            method(renamed)[..., renaming], method(episode), rtol=1e-6, atol=1e-8
        )
    assert symmetric == method.label_symmetric


def test_inductive_means_inductive(name: str) -> None:
    """An answer may change with the other queries if and only if the method says so."""
    method, (episode, _) = make_method(name), make_tasks(2, 1, separable=True)
    others = replace(episode, query=episode.query.clone())
    others.query[:, 1:] += 1.0
    with torch.no_grad():
        unmoved = torch.equal(method(others)[:, 0], method(episode)[:, 0])
    if method.setting == "inductive":
        close(method(others)[:, 0], method(episode)[:, 0])
    else:
        assert not unmoved


def test_noise_is_answered_at_chance(name: str) -> None:
    method, (episode, labels) = make_method(name), make_tasks(30, 1, separable=False, n_query=15)
    with torch.no_grad():
        mean = float(accuracy(method(episode).argmax(-1), labels).mean())
    assert abs(mean - 0.2) < 0.04  # 4.7 standard errors of 2,250 independent guesses


def test_separable_classes_are_told_apart(name: str) -> None:
    """At once, or after a little meta-training where random weights are in the way."""
    method, test_tasks = make_method(name, 5), make_tasks(6, 5, separable=True)
    if mean_accuracy(method, *test_tasks) < 0.5 and method.recipe.train is not None:
        optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
        for step in range(300):
            if step % 50 == 0 and mean_accuracy(method, *test_tasks) > 0.5:
                break
            episode, labels = make_tasks(2, 5, separable=True, seed=1 + step)
            episode = replace(episode, classes=torch.arange(5).expand(2, 5))
            optimizer.zero_grad()
            torch.autograd.backward(method.train().loss(episode, labels))
            optimizer.step()
    assert mean_accuracy(method, *test_tasks) > 0.5


def test_every_trained_weight_gets_a_gradient(name: str) -> None:
    method, (episode, labels) = make_method(name), make_tasks(2, 1, separable=True)
    episode = replace(episode, classes=torch.arange(5).expand(2, 5))
    recipe = method.recipe.train
    if recipe is None:
        pytest.skip("the method has no meta-training")
    method.train()
    method.backbone.requires_grad_(not recipe.frozen)
    torch.autograd.backward(method.loss(episode, labels))
    for key, weight in method.named_parameters():
        assert not weight.requires_grad or weight.grad is not None, key
        assert weight.grad is None or torch.isfinite(weight.grad).all(), key


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("n_shot", [1, 5])
def test_recipes_are_valid(name: str, preset: str, n_shot: int) -> None:
    recipe = build_recipe(methods[name].recipe_type, preset=preset, n_shot=n_shot)
    assert type(recipe).model_validate(recipe.model_dump(mode="json")) == recipe


def test_says_what_it_is(name: str) -> None:
    method = methods[name]
    assert method.setting in ("inductive", "transductive")
    assert method.paper.year > 1990
    assert method.paper.url.startswith("https://")
    assert (method.__doc__ or "").strip()
