"""Sweeps over the small grid that a method's recipe declares, measured on the val split."""

import itertools
from collections.abc import Sequence

from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import Recipe
from fewshot_bench.settings import setting_texts


def grid_points(recipe_type: type[Recipe], settings: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """List every combination of the grid's values as ``KEY=VALUE`` texts.

    Args:
        recipe_type: its `grid` says what to vary.
        settings: the user's ``KEY=VALUE`` texts; what they fix is not varied.

    Raises:
        UsageError: nothing is left to vary.
    """
    fixed = {text.partition("=")[0].strip().replace("-", "_") for text in settings}
    free = {key: values for key, values in recipe_type.grid.items() if key not in fixed}
    if not free:
        raise UsageError(
            f"{recipe_type.__name__} has nothing to tune; leave --tune out, or free one of: "
            f"{', '.join(recipe_type.grid) or 'no setting has a grid'}"
        )
    points = itertools.product(*free.values())
    return [setting_texts(dict(zip(free, point, strict=True))) for point in points]
