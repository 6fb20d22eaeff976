"""Every value that a recipe offers for tuning is one that it takes."""

import pytest

from fewshot_bench.method import methods
from fewshot_bench.recipe import build_recipe


@pytest.mark.parametrize("name", list(methods))
def test_values_of_the_grid_are_valid(name: str) -> None:
    recipe_type = methods[name].recipe_type
    for key, values in recipe_type.grid.items():
        for value in values:
            assert build_recipe(recipe_type, settings=[f"{key}={value}"]) is not None
