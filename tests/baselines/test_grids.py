"""Every value that a recipe offers for tuning is one that it takes, and every head offers some."""

import pytest

from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.runs.tuning import grid_points

HEADS = [name for name in methods if build_recipe(methods[name].recipe_type).train is None]


@pytest.mark.parametrize("name", list(methods))
def test_values_of_the_grid_are_valid(name: str) -> None:
    recipe_type = methods[name].recipe_type
    for key, values in recipe_type.grid.items():
        for value in values:
            assert build_recipe(recipe_type, settings=[f"{key}={value}"]) is not None


@pytest.mark.parametrize("name", HEADS)
def test_every_head_can_be_tuned(name: str) -> None:
    """What costs no meta-training to try has values to try, its default among them."""
    recipe_type = methods[name].recipe_type
    points = [build_recipe(recipe_type, settings=point) for point in grid_points(recipe_type)]
    assert len(points) > 1
    assert len(set(map(repr, points))) == len(points)
    assert build_recipe(recipe_type) in points
