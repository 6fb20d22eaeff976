"""Which shapes the episodes of a meta-training have, and those that judge it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import sqrt

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Split
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.utilities.query_balance import dirichlet_alpha


def training_spec(config: RunConfig, recipe: TrainRecipe, n_classes: int) -> EpisodeSpec:
    """Largest shape of a training episode: the recipe's, else that of a balanced test episode."""
    return EpisodeSpec(
        min(recipe.n_way or config.n_way, n_classes),
        recipe.n_shot or config.n_shot,
        recipe.n_query or config.n_query,
    )


def training_shapes(largest: EpisodeSpec, recipe: TrainRecipe) -> list[EpisodeSpec]:
    """All shapes that a training step may have, each as likely as the others.

    A balance of queries that the recipe names twice is there twice.

    Args:
        largest: see `training_spec`.
        recipe: says from how many ways and shots on, and how queries are balanced.

    Raises:
        UsageError: a range is empty.
    """
    ways = _range("way", recipe.min_way, largest.n_way)
    shots = _range("shot", recipe.min_shot, largest.n_shot)
    return [
        EpisodeSpec(n_way, n_shot, largest.n_query, alpha)
        for alpha, n_way, n_shot in product(_alphas(recipe), ways, shots)
    ]


def validation_shapes(config: RunConfig, recipe: TrainRecipe, n_classes: int) -> list[EpisodeSpec]:
    """Shapes of the episodes that judge a meta-training, see `balance_weights`.

    Those of a mixture, if the recipe asks for one: each balance of queries with the first, the
    last and the (geometrically) middle number of ways and of shots. Else the one of a test,
    balanced.

    Args:
        config: of the run.
        recipe: of the meta-training.
        n_classes: of the val split; the ways of a mixture are at most these.
    """
    if not is_mixture(recipe):
        return [replace(config.spec, dirichlet=None, n_query_way=None)]
    largest = training_spec(config, recipe, n_classes)
    ways = _spread(recipe.min_way, largest.n_way)
    shots = _spread(recipe.min_shot, largest.n_shot)
    return [
        EpisodeSpec(n_way, n_shot, largest.n_query, alpha)
        for alpha, n_way, n_shot in product(dict.fromkeys(_alphas(recipe)), ways, shots)
    ]


def balance_weights(recipe: TrainRecipe) -> Counter[float | None]:
    """How often a recipe names each balance of queries, by its concentration; None: balanced."""
    return Counter(_alphas(recipe))


def fitting(shapes: Sequence[EpisodeSpec], split: Split) -> list[EpisodeSpec]:
    """Lower the queries of imbalanced episodes to what the scarcest class of a split allows.

    All queries of such an episode may be of one class. A shape that does not fit even so stays as
    it is, for `EpisodeSource` to say so.
    """
    scarcest = int(split.class_counts.min())
    found = []
    for shape in shapes:
        most = (scarcest - shape.n_shot) // shape.n_way
        fits = shape.dirichlet is None or most < 1
        found.append(shape if fits else replace(shape, n_query=min(shape.n_query, most)))
    return found


def is_mixture(recipe: TrainRecipe) -> bool:
    """Whether a recipe says itself which protocols it is for, and is validated on these."""
    return recipe.query_balance is not None or recipe.min_way is not None


def _alphas(recipe: TrainRecipe) -> list[float | None]:
    return [dirichlet_alpha(balance) for balance in recipe.query_balance or ("balanced",)]


def _range(name: str, least: int | None, most: int) -> range:
    if least is not None and least > most:
        raise UsageError(
            f"train.min_{name}={least} is more than the {most} {name}{'s' if most > 1 else ''} of "
            f"a training episode at most; lower it, or raise train.n_{name}"
        )
    return range(least or most, most + 1)


def _spread(least: int | None, most: int) -> list[int]:
    first = min(least or most, most)
    return sorted({first, round(sqrt(first * most)), most})
