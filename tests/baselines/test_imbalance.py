"""Imbalanced queries cost the methods that assume balance, as Veilleux et al. 2021 found."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.ops import accuracy
from fewshot_bench.registry import methods
from tests.test_oracles import Identity

N_TASKS, DIM = 200, 32


@cache
def tasks(imbalanced: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """5-way 1-shot tasks of 75 queries from overlapping Gaussians, made positive by an offset."""
    rng = np.random.default_rng(0)
    centres = 0.6 * rng.standard_normal((N_TASKS, 5, DIM))
    shares = rng.dirichlet([2.0] * 5, N_TASKS) if imbalanced else np.full((N_TASKS, 5), 0.2)
    counts = [rng.multinomial(75, p) if imbalanced else [15] * 5 for p in shares]
    truth = np.stack([np.repeat(np.arange(5), c) for c in counts])
    labels = np.concatenate([np.tile(np.arange(5), (N_TASKS, 1)), truth], axis=1)
    points = np.take_along_axis(centres, labels[..., None], axis=1)
    points = points + rng.standard_normal(points.shape) + 4
    x = torch.from_numpy(points).float().clamp(min=0)
    y = torch.from_numpy(labels)
    return x[:, :5], y[:, :5], x[:, 5:], y[:, 5:]


@cache
def measured(name: str, imbalanced: bool) -> float:
    support, labels, query, truth = tasks(imbalanced)
    cls = methods[name]
    method = cls(Identity(DIM), cls.recipe_type(), 5)
    if method.uses_base:
        method.see_base(support.flatten(0, 1), labels.flatten())
    with torch.no_grad():
        scores = method.classify(support, labels, query, 5)
    return float(accuracy(scores, truth).mean())


def drop(name: str) -> float:
    return measured(name, False) - measured(name, True)


def test_methods_that_assume_balance_lose_by_imbalance() -> None:
    assert drop("pt-map") > 0.05
    assert drop("tim") > 0.02


def test_alpha_tim_loses_less_than_tim_and_pt_map_most() -> None:
    assert drop("alpha-tim") < drop("tim") - 0.01
    assert drop("pt-map") > drop("tim")


def test_methods_without_the_assumption_lose_little() -> None:
    assert drop("simple-shot") < 0.02
    assert drop("paddle") < drop("tim")
