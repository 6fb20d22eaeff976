"""Imbalanced queries cost the methods that assume balance, as Veilleux et al. 2021 found."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from fewshot_bench.method import methods
from fewshot_bench.ops.basic import accuracy
from fewshot_bench.presets import build_recipe
from tests.oracles import Identity

N_TASKS, DIM = 200, 32


@cache
def tasks(imbalanced: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """5-way 1-shot tasks of 75 queries from overlapping Gaussians, cut off at zero."""
    rng = np.random.default_rng(0)
    centres = 0.6 * rng.standard_normal((N_TASKS, 5, DIM))
    shares = rng.dirichlet([2.0] * 5, N_TASKS) if imbalanced else np.full((N_TASKS, 5), 0.2)
    counts = [rng.multinomial(75, p) if imbalanced else [15] * 5 for p in shares]
    truth = np.stack([np.repeat(np.arange(5), c) for c in counts])
    labels = np.concatenate([np.tile(np.arange(5), (N_TASKS, 1)), truth], axis=1)
    points = np.take_along_axis(centres, labels[..., None], axis=1)
    points = points + rng.standard_normal(points.shape) + 1
    x = torch.from_numpy(points).float().clamp(min=0)
    y = torch.from_numpy(labels)
    return x[:, :5], y[:, :5], x[:, 5:], y[:, 5:]


@cache
def base() -> tuple[Tensor, Tensor]:
    """Embeddings and labels of 60 classes of the same kind, 30 images each."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(60), 30)
    points = 0.6 * rng.standard_normal((60, DIM))[labels] + rng.standard_normal((1800, DIM)) + 1
    return torch.from_numpy(points).float().clamp(min=0), torch.from_numpy(labels)


@cache
def measured(name: str, imbalanced: bool, *settings: str) -> Tensor:
    """Accuracies of the tasks, ``[N_TASKS]``."""
    support, labels, query, truth = tasks(imbalanced)
    cls = methods[name]
    method = cls(Identity(DIM), build_recipe(cls.recipe_type, settings=settings), 5)
    if method.uses_base:
        method.see_base(*base())
    with torch.no_grad():
        scores = method.classify(method.transform(support), labels, method.transform(query), 5)
        return accuracy(scores.argmax(-1), truth)


def drop(name: str, *settings: str) -> Tensor:
    """What imbalance costs: task i has the same centres either way."""
    return measured(name, False, *settings) - measured(name, True, *settings)


def assert_larger(first: Tensor, second: Tensor | float) -> None:
    """Assert a difference of means over paired tasks by more than three standard errors."""
    apart = first - second
    assert apart.mean() > 3 * apart.std() / N_TASKS**0.5


@pytest.mark.parametrize("name", ["pt-map", "bpa"])
def test_methods_that_assume_balance_lose_by_imbalance(name: str) -> None:
    assert_larger(drop(name), drop("tim"))
    assert_larger(drop("tim"), 0.05)


def test_alpha_entropies_lose_less_than_shannons() -> None:
    """With the weights of alpha-TIM in TIM too: its smaller ones of its own paper lose more."""
    same_weights = ("support_weight=1", "conditional_weight=1")
    assert_larger(drop("tim", *same_weights), drop("alpha-tim"))
    assert_larger(drop("tim"), drop("tim", *same_weights))
    assert measured("alpha-tim", True).mean() > measured("simple-shot", True).mean()


@pytest.mark.parametrize("name", ["soft-k-means", "bavardage"])
def test_clusters_of_any_size_lose_less_than_equal_ones(name: str) -> None:
    assert_larger(drop("pt-map"), drop(name))
    assert_larger(measured(name, True), measured("pt-map", True))
    assert measured(name, False).mean() > 0.8


def test_shares_known_to_be_equal_are_no_help_where_they_are_not() -> None:
    assert_larger(drop("bavardage", "balanced=true"), drop("bavardage"))


@pytest.mark.parametrize("name", ["simple-shot", "paddle", "bpa-simple-shot"])
def test_methods_without_the_assumption_lose_little(name: str) -> None:
    """And still tell classes apart, not like a method that answers the same class everywhere."""
    assert measured(name, False).mean() > 0.55
    assert_larger(drop("tim"), drop(name))
