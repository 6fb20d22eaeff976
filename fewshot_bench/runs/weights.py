"""Stored weights that runs build on, and which of them several cells share."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.method import methods
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.cells import PRETRAINED, Cell, SharedWork
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import meta_training, shots_text
from fewshot_bench.training.pretraining import pretraining


def needed_weights(config: RunConfig, dataset: Dataset) -> list[StoredWeights]:
    """The weights that a run is measured with, in the order in which they are made.

    Args:
        config: of the run.
        dataset: that it is trained on.
    """
    recipe: Recipe = methods[config.method].recipe_type.model_validate(config.recipe)
    needed: list[StoredWeights] = []
    if recipe.pretrain is not None:
        needed.append(pretraining(dataset, config.backbone, recipe.pretrain, config.seed))
    if recipe.train is not None:
        needed.append(meta_training(config, dataset, recipe.train))
    return needed


def with_shared(
    cells: Sequence[Cell], dataset_of: Callable[[RunConfig], Dataset]
) -> tuple[tuple[Cell, ...], tuple[SharedWork, ...]]:
    """Find what cells share: every pretraining, and meta-trainings that several begin with.

    Args:
        cells: of a plan.
        dataset_of: what a run is trained on.

    Returns:
        The cells, each with what it needs, and what they need.
    """
    chains = [[needed_weights(c, dataset_of(c)) for c in _configs(cell)] for cell in cells]
    counts = Counter(
        name for chain in chains for name in {w.folder.name for each in chain for w in each}
    )
    shared: dict[str, SharedWork] = {}
    found = []
    for cell, chain in zip(cells, chains, strict=True):
        needs: list[str] = []
        for config, weights in zip(_configs(cell), chain, strict=True):
            kept = [w for w in weights if w.facts["kind"] == PRETRAINED or _many(w, counts)]
            for i, each in enumerate(kept):
                shared.setdefault(each.folder.name, _work(each, config, kept[:i]))
            needs += [w.folder.name for w in kept]
        trains = any(_trains_network(config) for config in _configs(cell))
        update = {"needs": tuple(dict.fromkeys(needs)), "trains_network": trains}
        found.append(cell.model_copy(update=update))
    return tuple(found), tuple(shared.values())


def _many(weights: StoredWeights, counts: Counter[str]) -> bool:
    return counts[weights.folder.name] > 1


def _configs(cell: Cell) -> list[RunConfig]:
    trials = [config for c in cell.choices for config in (c.trial, c.config)]
    return trials or [cell.config]


def _work(weights: StoredWeights, config: RunConfig, before: Iterable[StoredWeights]) -> SharedWork:
    origin = config.train_dataset or config.dataset
    if weights.facts["kind"] == PRETRAINED:
        title = f"pretraining {config.backbone} on {origin}"
    else:
        shots = shots_text(weights)
        title = f"training {config.method} {config.backbone} on {origin} {shots}"
    if config.seed:
        title += f", seed {config.seed}"
    needs = tuple(each.folder.name for each in before)
    return SharedWork(name=weights.folder.name, title=title, config=config, needs=needs)


def _trains_network(config: RunConfig) -> bool:
    train = config.recipe.get("train")
    return isinstance(train, dict) and not train.get("frozen", True)
