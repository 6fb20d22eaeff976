"""Stored weights and embeddings that runs build on, and which of them several cells share."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import ValidationError

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.cells import PRETRAINED, Cell, SharedWork, trains_network
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import meta_training, shots_text
from fewshot_bench.training.pretraining import pretraining
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.utilities.validation import first_of


def needed_weights(config: RunConfig, dataset: Dataset) -> list[StoredWeights]:
    """The weights that a run is measured with, in the order in which they are made.

    Args:
        config: of the run.
        dataset: that it is trained on.
    """
    recipe = _recipe(config)
    needed: list[StoredWeights] = []
    if recipe.pretrain is not None:
        seed = config.pretraining_seed
        needed.append(pretraining(dataset, config.backbone, recipe.pretrain, seed))
    if recipe.train is not None:
        needed.append(meta_training(config, dataset, recipe.train))
    return needed


def with_shared(
    cells: Sequence[Cell], dataset_of: Callable[[RunConfig], Dataset]
) -> tuple[tuple[Cell, ...], tuple[SharedWork, ...]]:
    """Find what cells share: pretrainings, and embeddings and trainings that several begin with.

    Args:
        cells: of a plan.
        dataset_of: what a run is trained on.

    Returns:
        The cells, each with what it needs, and what they need.
    """
    chains = [
        {w.name: w for c in cell.possible for w in _chain(c, dataset_of(c))} for cell in cells
    ]
    counts = Counter(name for chain in chains for name in chain)
    shared: dict[str, SharedWork] = {}
    found = []
    for cell, chain in zip(cells, chains, strict=True):
        kept = {n: w for n, w in chain.items() if w.is_pretraining or counts[n] > 1}
        for name, work in kept.items():
            needs = tuple(n for n in work.needs if n in kept)
            shared.setdefault(name, work.model_copy(update={"needs": needs}))
        trains = any(map(trains_network, cell.possible))
        update = {"needs": tuple(kept), "trains_network": trains}
        found.append(cell.model_copy(update=update))
    return tuple(found), tuple(shared.values())


def _chain(config: RunConfig, dataset: Dataset) -> list[SharedWork]:
    """All that a run begins with, in the order in which it is made, each with what comes first."""
    chain: list[SharedWork] = []
    for weights in needed_weights(config, dataset):
        chain.append(_training(weights, config, [work.name for work in chain]))
        if weights.facts["kind"] == PRETRAINED:
            chain += _embeddings(weights, config)
    return chain


def _training(weights: StoredWeights, config: RunConfig, needs: Iterable[str]) -> SharedWork:
    origin = config.train_dataset or config.dataset
    if weights.facts["kind"] == PRETRAINED:
        title = f"pretraining {config.backbone} on {origin}{_seed(config.pretraining_seed)}"
    else:
        shots = f"{shots_text(weights)}{_seed(config.seed)}"
        title = f"training {config.method} {config.backbone} on {origin} {shots}"
    return SharedWork(name=weights.folder.name, title=title, config=config, needs=tuple(needs))


def _embeddings(weights: StoredWeights, config: RunConfig) -> Iterator[SharedWork]:
    """Embeddings by a pretraining that a run reads, see `embed_split`, each of one split."""
    kind, recipe = methods[config.method], _recipe(config)
    if kind.embed is not Method.embed:
        return
    fixed = not kind.adapts_backbone and (recipe.train is None or recipe.train.frozen)
    trains = fixed and recipe.train is not None
    learns = trains and recipe.train is not None and recipe.train.on_embeddings
    roles = {"train": kind.uses_base or learns, "val": trains, "measured": fixed}
    origin = config.train_dataset or config.dataset
    for role in (role for role, needed in roles.items() if needed):
        data, split = (config.dataset, config.split) if role == "measured" else (origin, role)
        facts = [weights.folder.name, weights.source, data, split, origin, kind.needs_maps]
        seed = _seed(config.pretraining_seed)
        maps = "feature maps" if kind.needs_maps else "embeddings"
        yield SharedWork(
            name=f"embeddings-{stable_hash(facts)}",
            title=f"{maps} of {data}, {split}, by {config.backbone}{seed}",
            config=config,
            needs=(weights.folder.name,),
            embeds=role,
        )


def _seed(seed: int) -> str:
    return f", seed {seed}" if seed else ""


def _recipe(config: RunConfig) -> Recipe:
    """The settings of a run, which another version of its method may have made.

    Raises:
        UsageError: the method here has others.
    """
    try:
        return methods[config.method].recipe_type.model_validate(config.recipe)
    except ValidationError as error:
        raise UsageError(
            f"{config.title}: the {config.method} that is installed has other settings than that "
            f"of the run ({first_of(error)}); measure it anew"
        ) from None
