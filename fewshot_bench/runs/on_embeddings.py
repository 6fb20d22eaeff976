"""Runs on a data set of embeddings: what becomes of a method's recipe, and what splits it needs."""

from collections.abc import Sequence
from typing import Any

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import (
    NeedsImagesError,
    require_embeddings_suffice,
    untrained,
)
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Recipe

_AS_THEY_ARE = ("pretrain=none", "train.frozen=true", "train.augment=none")


def recipe_on_embeddings(
    name: str, dim: int, n_way: int, settings: Sequence[str], **layers: Any
) -> Recipe:
    """Resolve a recipe for embeddings, which neither a network nor augmentation changes.

    Nothing is pretrained. Meta-training is what it is on stored embeddings of images; a method
    of which it would train the network alone is taken without.

    Args:
        name: of the method.
        dim: length D of the embeddings.
        n_way: classes of a test episode.
        settings: the user's ``KEY=VALUE`` texts.
        **layers: preset, shots and data set, see `build_recipe`.

    Raises:
        UsageError: the method needs images, or a setting has no meaning to embeddings.
    """
    require_embeddings_suffice(name, settings, "measure it on a data set of images")

    def build(*first: str) -> Recipe:
        return build_recipe(methods[name].recipe_type, settings=[*first, *settings], **layers)

    if build("pretrain=none").train is None:
        return build("pretrain=none")
    recipe = build(*_AS_THEY_ARE)
    if recipe.train is None or not recipe.train.on_embeddings:
        raise UsageError(
            "embeddings have no network to train and no images to augment; leave the settings "
            "'train.frozen' and 'train.augment' out"
        )
    if any(p.requires_grad for p in untrained(name, dim, n_way, recipe).parameters()):
        return recipe
    for key in (text.partition("=")[0].strip() for text in settings):
        if key.startswith("train"):
            raise UsageError(
                f"{name} has no weights but those of its network, which embeddings have behind "
                f"them; leave the setting '{key}' out"
            )
    return build("pretrain=none", "train=none")


def require_splits(config: RunConfig, recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a run that needs classes which a data set of embeddings came without.

    Args:
        config: of the run.
        recipe: its recipe, resolved.
        dataset: to train and select on.

    Raises:
        NeedsImagesError: which split, for what, and how to do without.
    """
    lacking = [split for split in ("train", "val") if split not in dataset.splits]
    if recipe.train is not None and lacking:
        raise NeedsImagesError(
            f"{config.method} is meta-trained, and {dataset.name} has no {lacking[0]} split; "
            "import its classes too, or take the method untrained with --set train=none"
        )
    dim = int(dataset.any_split.rows.shape[1])
    if "train" in lacking and untrained(config.method, dim, config.n_way, recipe).uses_base:
        without = methods[config.method].without_base.items()
        instead = "".join(f", or do without: --set {key}={value}" for key, value in without)
        raise NeedsImagesError(
            f"{config.method} uses embeddings of base classes, and {dataset.name} has no train "
            f"split; import its classes too{instead}"
        )
