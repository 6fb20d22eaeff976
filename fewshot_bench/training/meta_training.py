"""Episodic meta-training of a method, selected on the val classes."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import Tensor

from fewshot_bench.backbones.precomputed import maker_of
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset, Split
from fewshot_bench.episodes.episode import EpisodeIndices
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import gather, inputs_of, score_episodes
from fewshot_bench.evaluation.features import ImageTable, Table
from fewshot_bench.method import Method, methods
from fewshot_bench.provenance.code_digest import source_digest
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.training.checkpoints import StoredWeights, identity, load_into
from fewshot_bench.training.memory import known_by_heart
from fewshot_bench.training.protocols import (
    balance_weights,
    fitting,
    is_mixture,
    training_shapes,
    training_spec,
    validation_shapes,
)
from fewshot_bench.training.trainer import Trainer
from fewshot_bench.utilities.progress import say

ALGORITHM_VERSION = 1  # raise it when the same recipe would give other weights


def meta_training(
    config: RunConfig, dataset: Dataset, recipe: TrainRecipe, renew: bool = False
) -> StoredWeights:
    """Name the weights that a meta-training makes, by everything that determines them.

    The test protocol counts only in so far as training or validation episodes follow it.
    """
    spec = training_spec(config, recipe, len(dataset["train"].class_names))
    val = dataset["val"]
    shapes = fitting(validation_shapes(config, recipe, len(val.class_names)), val)
    judged_on = [shape.facts for shape in shapes]
    younger = ("backbone_weights", "backbone_seed")  # than stored weights: told where they are set
    given = {name: getattr(config, name) for name in younger if getattr(config, name) is not None}
    return StoredWeights(
        {
            "kind": "method",
            "version": _version(recipe),
            "method": config.method,
            "backbone": config.backbone,
            **given,
            "dataset": dataset.name,
            "data_checksum": dataset.checksum,
            "recipe": _recipe_facts(config),
            "train_episodes": spec.facts,
            "val_episodes": judged_on if is_mixture(recipe) else judged_on[0],
            "seed": config.seed,
        },
        config_source(config),
        renew,
    )


def _version(recipe: TrainRecipe) -> int:
    """`ALGORITHM_VERSION`, and one more where a frozen backbone once saw no augmentation."""
    return ALGORITHM_VERSION + (recipe.frozen and not recipe.on_embeddings)


def _recipe_facts(config: RunConfig) -> dict[str, Any]:
    """Settings that count in training, see `Recipe.at_test`."""
    at_test = methods[config.method].recipe_type.at_test
    return {name: value for name, value in config.recipe.items() if name not in at_test}


@contextmanager
def _as_trained(method: Method) -> Iterator[None]:
    """Give a method, for its training, the defaults of settings that count at test alone."""
    asked, fields = method.recipe, type(method.recipe).model_fields
    defaults = {name: fields[name].default for name in type(asked).at_test}
    method.recipe = asked.model_copy(update=defaults)
    try:
        yield
    finally:
        method.recipe = asked


def config_source(config: RunConfig) -> str:
    """Digest of the code of a configuration's method and backbone."""
    return source_digest(methods[config.method], maker_of(config.backbone))


def shots_text(stored: StoredWeights) -> str:
    """Say for how many shots weights are, as ``5-shot`` or ``1- to 10-shot``."""
    shots = sorted({shape.n_shot for shape in _judged_on(stored)})
    return f"{shots[0]}- to {shots[-1]}-shot" if len(shots) > 1 else f"{shots[0]}-shot"


def _judged_on(stored: StoredWeights) -> list[EpisodeSpec]:
    facts = stored.facts["val_episodes"]
    return [EpisodeSpec(**each) for each in (facts if isinstance(facts, list) else [facts])]


def meta_train(
    stored: StoredWeights, method: Method, dataset: Dataset, recipe: TrainRecipe
) -> dict[str, Any]:
    """Train a method unless its weights are stored already, and load the best ones into it.

    Returns:
        What is known of their making, see `Training.outcome`.
    """
    with stored.lock():
        if stored.missing():
            if not recipe.frozen:
                method.backbone.weights_key = None  # they change from now on
            with _as_trained(method):
                done = _trainer(stored, method, dataset, recipe).run()
            stored.finish(method.state_dict(), done.outcome)
    weights, facts = stored.load()
    load_into(method, weights, stored.path)
    if not recipe.frozen:
        method.backbone.weights_key = identity(stored.key, facts)
    return facts


def _trainer(
    stored: StoredWeights, method: Method, dataset: Dataset, recipe: TrainRecipe
) -> Trainer:
    seed = stored.facts["seed"]
    method.backbone.requires_grad_(not recipe.frozen)
    spec = EpisodeSpec(**stored.facts["train_episodes"])
    episodes = TrainingEpisodes(dataset["train"], spec, recipe, seed)
    val, judges = dataset["val"], _judged_on(stored)
    sources = [EpisodeSource(val, shape) for shape in judges]
    n_each = -(-recipe.val_episodes // len(sources))
    table: Table
    if recipe.on_embeddings:
        table = inputs_of(method, episodes.split)
    else:
        table = ImageTable(dataset.images("train"), method.device, recipe.augment)
    val_table = inputs_of(method, val) if recipe.frozen else None
    if table.embedded and val_table is not None:
        seen = (episodes.split, table), (val, val_table)
        if caution := known_by_heart(method.backbone, *seen):
            say(f"warning: {stored.facts['method']}: {caution}")

    def objective(step: int) -> Tensor:
        method.train()
        if recipe.frozen:
            method.backbone.eval()
        indices = episodes[step]
        return method.loss(*gather(table, indices, indices.classes.shape[1], training=True))

    def validate() -> float:
        inputs = val_table or inputs_of(method, val)
        means = _by_balance(method, sources, n_each, inputs)
        for alpha, mean in means.items() if len(means) > 1 else ():
            balance = "balanced" if alpha is None else f"dirichlet-{alpha:g}"
            trainer.note(f"val_acc_{balance}", mean)
        weights = balance_weights(recipe)
        return float(np.average([*means.values()], weights=[weights[alpha] for alpha in means]))

    trainer = Trainer(
        "train",
        f"{stored.facts['method']} {shots_text(stored)}",
        method,
        objective,
        validate,
        recipe,
        n_steps=recipe.steps,
        val_every=recipe.val_every,
        seed=seed,
        stored=stored,
    )
    return trainer


def _by_balance(
    method: Method, sources: list[EpisodeSource], n_each: int, table: Table
) -> dict[float | None, float]:
    """Mean accuracies over the shapes of each balance of queries, by its concentration."""
    found = defaultdict(list)
    for source in sources:
        accuracies = score_episodes(method, source, n_each, table).accuracies
        found[source.spec.dirichlet].append(accuracies.mean())
    return {alpha: float(np.mean(means)) for alpha, means in found.items()}


class TrainingEpisodes:
    """Episodes of a training step; their shape varies between steps if the recipe says so."""

    BLOCK = 64  # steps sampled at once, if all have one shape: as fast as one

    def __init__(self, split: Split, spec: EpisodeSpec, recipe: TrainRecipe, seed: int) -> None:
        shapes = fitting(training_shapes(spec, recipe), split)
        self.sources = [EpisodeSource(split, shape, seed) for shape in shapes]
        self.split, self.seed, self.n_tasks = split, seed, recipe.tasks_per_step
        self._block = -1
        self._sampled: EpisodeIndices

    def __getitem__(self, step: int) -> EpisodeIndices:
        n = self.n_tasks
        if len(self.sources) > 1:
            chosen = int(np.random.default_rng([self.seed, step]).integers(len(self.sources)))
            return self.sources[chosen].indices(step * n, n)
        block, place = divmod(step, self.BLOCK)
        if block != self._block:
            start, many = block * self.BLOCK * n, self.BLOCK * n
            self._block, self._sampled = block, self.sources[0].indices(start, many)
        return self._sampled.part(place * n, n)
