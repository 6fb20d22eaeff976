"""Sweeps: every combination once, what the user fixed left alone."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.tuning import grid_points


class Example(Recipe):
    strength: float = 1.0
    kind: Literal["a", "b"] = "a"
    exact: bool = False

    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "strength": (0.5, 1),
        "kind": ("a", "b"),
        "exact": (True,),
    }


def test_every_combination_is_tried_once() -> None:
    points = grid_points(Example)
    recipes = [build_recipe(Example, settings=point).model_dump() for point in points]
    tried = [(r["strength"], r["kind"], r["exact"]) for r in recipes]
    assert tried == [(0.5, "a", True), (0.5, "b", True), (1, "a", True), (1, "b", True)]


def test_what_the_user_fixed_is_not_varied() -> None:
    assert grid_points(Example, ["kind=b", " exact = false"]) == [
        ("strength=0.5",),
        ("strength=1",),
    ]


def test_nothing_to_tune_is_said() -> None:
    with pytest.raises(UsageError, match="no setting has a grid"):
        grid_points(Recipe)
    with pytest.raises(UsageError, match="free one of: strength, kind, exact"):
        grid_points(Example, ["strength=2", "kind=a", "exact=true"])
