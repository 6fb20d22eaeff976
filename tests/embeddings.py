"""Embeddings of made-up classes, for tests of what takes arrays; and which methods take them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.evaluation.embeddings import build_on_embeddings, recipe_for_embeddings
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe

Arrays = tuple[NDArray[np.float64], NDArray[np.int64]]


def make_arrays(
    n_classes: int = 8, per_class: int = 30, dim: int = 12, noise: float = 0.3, seed: int = 0
) -> Arrays:
    """Overlapping classes, not negative, in random order: ``[N, D]`` and ``[N]``."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(n_classes), per_class))
    means = rng.random((n_classes, dim)) + 0.5
    return np.abs(means[labels] + noise * rng.standard_normal((len(labels), dim))), labels


def settings_for_embeddings(name: str) -> dict[str, Any] | None:
    """Settings with which a method runs on embeddings alone; None if there are none."""
    cls = methods[name]
    if cls.adapts_backbone or cls.needs_maps:
        return None
    untrained = {"train": None} if build_recipe(cls.recipe_type).train is not None else {}
    return {**cls.without_base, **untrained}


def means_something(name: str, settings: dict[str, Any]) -> bool:
    """True unless weights are drawn at random and would have to be trained."""
    recipe = recipe_for_embeddings(name, 1, settings=settings)
    first, second = (build_on_embeddings(name, 4, 3, recipe, seed=seed) for seed in (0, 1))
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


ON_EMBEDDINGS: dict[str, dict[str, Any]] = {
    name: settings
    for name in methods
    if (settings := settings_for_embeddings(name)) is not None and means_something(name, settings)
}
