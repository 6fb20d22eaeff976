"""Episodic meta-training of a method, selected on the val classes."""

from dataclasses import replace
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
from fewshot_bench.evaluation.features import ImageTable
from fewshot_bench.method import Method, methods
from fewshot_bench.provenance.code_digest import source_digest
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.training.checkpoints import StoredWeights, identity, load_into
from fewshot_bench.training.trainer import Trainer

ALGORITHM_VERSION = 1  # raise it when the same recipe would give other weights


def training_spec(config: RunConfig, recipe: TrainRecipe, n_classes: int) -> EpisodeSpec:
    """Shape of a training episode: the recipe's, else that of a balanced test episode."""
    return EpisodeSpec(
        min(recipe.n_way or config.n_way, n_classes),
        recipe.n_shot or config.n_shot,
        recipe.n_query or config.n_query,
    )


def validation_spec(config: RunConfig) -> EpisodeSpec:
    """Shape of the episodes that judge a meta-training: that of a test, always balanced."""
    return replace(config.spec, dirichlet=None, n_query_way=None)


def meta_training(
    config: RunConfig, dataset: Dataset, recipe: TrainRecipe, renew: bool = False
) -> StoredWeights:
    """Name the weights that a meta-training makes, by everything that determines them.

    The test protocol counts only in so far as training or validation episodes follow it.
    """
    spec = training_spec(config, recipe, len(dataset["train"].class_names))
    validation = validation_spec(config)
    given = {"backbone_weights": config.backbone_weights} if config.backbone_weights else {}
    return StoredWeights(
        {
            "kind": "method",
            "version": ALGORITHM_VERSION,
            "method": config.method,
            "backbone": config.backbone,
            **given,
            "dataset": dataset.name,
            "data_checksum": dataset.checksum,
            "recipe": config.recipe,
            "train_episodes": spec.facts,
            "val_episodes": validation.facts,
            "seed": config.seed,
        },
        config_source(config),
        renew,
    )


def config_source(config: RunConfig) -> str:
    """Digest of the code of a configuration's method and backbone."""
    return source_digest(methods[config.method], maker_of(config.backbone))


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
    val = EpisodeSource(dataset["val"], EpisodeSpec(**stored.facts["val_episodes"]))
    if recipe.frozen:
        table, val_table = inputs_of(method, episodes.split), inputs_of(method, val.split)
    else:
        images = dataset.images("train")
        table, val_table = ImageTable(images, method.device, recipe.augment), None

    def objective(step: int) -> Tensor:
        method.train()
        if recipe.frozen:
            method.backbone.eval()
        return method.loss(*gather(table, episodes[step], spec.n_way, training=True))

    def validate() -> float:
        inputs = val_table or inputs_of(method, val.split)
        return float(score_episodes(method, val, recipe.val_episodes, inputs).accuracies.mean())

    return Trainer(
        "train",
        f"{stored.facts['method']} {stored.facts['val_episodes']['n_shot']}-shot",
        method,
        objective,
        validate,
        recipe,
        n_steps=recipe.steps,
        val_every=recipe.val_every,
        seed=seed,
        stored=stored,
    )


class TrainingEpisodes:
    """Episodes of a training step; their shots vary between steps if the recipe says so."""

    BLOCK = 64  # steps sampled at once: as fast as one

    def __init__(self, split: Split, spec: EpisodeSpec, recipe: TrainRecipe, seed: int) -> None:
        least = min(recipe.min_shot or spec.n_shot, spec.n_shot)
        shots = range(least, spec.n_shot + 1)
        self.sources = [EpisodeSource(split, replace(spec, n_shot=k), seed) for k in shots]
        self.split, self.seed, self.n_tasks = split, seed, recipe.tasks_per_step
        self._sampled: dict[int, tuple[int, EpisodeIndices]] = {}  # of each source, the last block

    def __getitem__(self, step: int) -> EpisodeIndices:
        chosen = 0
        if len(self.sources) > 1:
            chosen = int(np.random.default_rng([self.seed, step]).integers(len(self.sources)))
        block, place = divmod(step, self.BLOCK)
        if chosen not in self._sampled or self._sampled[chosen][0] != block:
            n = self.BLOCK * self.n_tasks
            self._sampled[chosen] = block, self.sources[chosen].indices(block * n, n)
        return self._sampled[chosen][1].part(place * self.n_tasks, self.n_tasks)
