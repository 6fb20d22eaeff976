"""Supervised pretraining of a backbone; each is made once and shared by every method."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone, backbones, to_channels_last
from fewshot_bench.backbones.given_weights import kept_at, with_given_weights
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.data.augment import augment
from fewshot_bench.data.dataset import Dataset, ImageSplit, Split
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.resident import Pixels
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import score_episodes
from fewshot_bench.evaluation.features import FeatureTable, embed_split
from fewshot_bench.provenance.code_digest import source_digest
from fewshot_bench.recipe import PretrainRecipe, Recipe
from fewshot_bench.training.checkpoints import StoredWeights, identity, load_into
from fewshot_bench.training.pretraining_heads import PretrainingNet
from fewshot_bench.training.trainer import Trainer
from fewshot_bench.utilities.devices import to_device
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.shared_store import bring
from fewshot_bench.utilities.tensors import with_prefix, without_prefix

ALGORITHM_VERSION = 1  # raise it when the same recipe would give other weights


def build_backbone(
    name: str, split: Split, device: torch.device, weights: str | None = None
) -> Backbone:
    """Make a backbone for the images of a split, with initial weights.

    Embeddings get one that hands them on.

    Args:
        name: of the backbone.
        split: whose images it will see.
        device: where it shall lie.
        weights: digest of those that a user gave, see `keep_weights`; its embeddings are then
            known by these and by how the images are normalised.
    """
    if isinstance(split, EmbeddingSplit):
        return Precomputed(split.dim).to(device)
    if not isinstance(split, ImageSplit):
        raise TypeError(f"no backbone takes rows of {type(split).__name__}")
    if weights is None:
        backbone = backbones[name](split.image_shape)
    else:
        bring(kept_at(weights), replace=False)
        backbone = with_given_weights(name, split.image_shape, weights)
        facts = {"given": weights, "mean": list(split.mean), "std": list(split.std)}
        backbone.weights_key = stable_hash(facts)
    backbone.set_normalisation(split.mean, split.std)
    to_channels_last(backbone)
    return backbone.to(device)


def pretraining(
    dataset: Dataset, backbone: str, recipe: PretrainRecipe, seed: int, renew: bool = False
) -> StoredWeights:
    """Name the weights that a pretraining makes, by everything that determines them."""
    return StoredWeights(
        {
            "kind": "backbone",
            "version": ALGORITHM_VERSION,
            "dataset": dataset.name,
            "data_checksum": dataset.checksum,
            "backbone": backbone,
            "recipe": recipe.model_dump(mode="json"),
            "seed": seed,
        },
        source_digest(backbones[backbone]),
        renew,
    )


def pretrain(
    stored: StoredWeights, backbone: Backbone, dataset: Dataset, device: torch.device
) -> dict[str, Any]:
    """Make the weights unless they are stored already, and load them into a backbone.

    A backbone that normalises by its batches (see `use_batch_statistics`) takes no statistics.

    Returns:
        What is known of their making, see `Training.outcome`.
    """
    with stored.lock():
        if stored.missing():
            _train(stored, dataset, device)
    tensors, facts = stored.load()
    own = backbone.state_dict()
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    weights = without_prefix("backbone", tensors).items()
    kept = {k: v for k, v in weights if k in own or not k.endswith(statistics)}
    load_into(backbone, kept, stored.path)
    backbone.weights_key = identity(stored.key, facts)
    return facts


def _train(stored: StoredWeights, dataset: Dataset, device: torch.device) -> None:
    recipe = PretrainRecipe.model_validate(stored.facts["recipe"])
    name, seed = stored.facts["backbone"], stored.facts["seed"]
    say(f"pretraining {name} on {dataset.name}: {recipe.epochs} epochs, {stored.folder.name}")
    torch.manual_seed(seed)
    train = dataset.images("train")
    backbone = build_backbone(name, train, device)
    net = PretrainingNet(backbone, len(train.class_names), recipe).to(device)
    batches = _Batches(train, recipe, seed, device)

    def objective(step: int) -> Tensor:
        net.train()
        images, labels = batches[step]
        mixed = recipe.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            return net.loss(images, labels)

    trainer = Trainer(
        "pretrain",
        name,
        net,
        objective,
        PrototypeValidation(backbone, dataset["val"], recipe.val_episodes),
        recipe,
        n_steps=recipe.epochs * batches.per_epoch,
        val_every=recipe.val_every * batches.per_epoch,
        seed=seed,
        stored=stored,
    )
    done = trainer.run()
    stored.finish(with_prefix("backbone", backbone.state_dict()), done.outcome)


class _Batches:
    """Augmented batches of a step: every image once an epoch, in an order that is the seed's."""

    def __init__(
        self, split: ImageSplit, recipe: PretrainRecipe, seed: int, device: torch.device
    ) -> None:
        self.split, self.recipe, self.seed, self.device = split, recipe, seed, device
        self.size = min(recipe.batch_size, len(split.images))
        self.per_epoch = len(split.images) // self.size
        self.pixels, self.labels = Pixels(split, device), torch.from_numpy(split.labels)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        epoch, batch = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            generator = np.random.default_rng([self.seed, epoch])
            self._epoch, self._order = epoch, generator.permutation(len(self.split.images))
        chosen = self._order[batch * self.size : (batch + 1) * self.size]
        pixels = augment(self.pixels[chosen], self.recipe.augment)
        return self.split.normalise(pixels), to_device(self.labels[chosen], self.device)


def validation_spec(split: Split) -> EpisodeSpec:
    """Shape of the episodes that judge a pretraining: 5-way 1-shot with 15 queries, or fewer."""
    n_query = min(15, int(split.class_counts.min()) - 1)
    return EpisodeSpec(min(5, len(split.class_names)), 1, n_query)


class PrototypeValidation:
    """Accuracy of nearest cosine prototypes on fixed val episodes, see `validation_spec`."""

    def __init__(self, backbone: Backbone, split: Split, n_episodes: int) -> None:
        self.source = EpisodeSource(split, validation_spec(split))
        self.method = NearestCosine(backbone, Recipe(), self.source.spec.n_way)
        self.n_episodes = n_episodes

    def __call__(self) -> float:
        """Return the mean accuracy of the backbone as it is now, in [0, 1]."""
        table = FeatureTable(embed_split(self.method, self.source.split))
        scores = score_episodes(self.method, self.source, self.n_episodes, table)
        return float(scores.accuracies.mean())
