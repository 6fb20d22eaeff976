"""Methods on embeddings that somebody computed: which can be, how they are built and measured."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.embeddings import EmbeddingSplit, GivenSplit
from fewshot_bench.data.published import published_like
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Overrides, Recipe
from fewshot_bench.results import Result
from fewshot_bench.settings import setting_texts
from fewshot_bench.utilities.devices import pick_device
from fewshot_bench.utilities.query_balance import dirichlet_alpha


class NeedsImagesError(UsageError):
    """The method cannot do with the embeddings that there are."""


def evaluate_embeddings(
    method: str,
    X: Any,
    y: Any,
    *,
    n_way: int = 5,
    n_shot: int = 1,
    n_query: int = 15,
    n_episodes: int = 2000,
    seed: int = 0,
    query_balance: str = "balanced",
    n_query_way: int | None = None,
    X_base: Any = None,
    y_base: Any = None,
    preset: str = "default",
    predictions: bool = False,
    device: str = "auto",
    **settings: Any,
) -> Result:
    """Measure a method on episodes of embeddings; `fewshot_bench.api.evaluate` says the rest.

    Raises:
        UsageError: arrays, episodes or settings that do not fit, or a method that needs images.
    """
    if n_episodes < 1 or seed < 0:
        raise UsageError("n_episodes begins at 1, and seed at 0")
    split = GivenSplit.of(X, y)
    alpha = dirichlet_alpha(query_balance)
    spec = EpisodeSpec(n_way, n_shot, n_query, alpha, n_query_way)
    source = EpisodeSource(split, spec, seed)
    recipe = recipe_for_embeddings(method, n_shot, preset, settings)
    dim, base = split.embeddings.shape[1], base_split(X_base, y_base)
    built = build_on_embeddings(method, dim, n_way, recipe, base, seed, pick_device(device))
    return evaluate(built, source, n_episodes, predictions)


def base_split(X_base: Any, y_base: Any) -> GivenSplit | None:
    """Make a split of the base classes' embeddings, if there are any; see `GivenSplit.of`."""
    if X_base is None and y_base is None:
        return None
    if X_base is None or y_base is None:
        raise UsageError("X_base and y_base are given together, or neither")
    return GivenSplit.of(X_base, y_base, "train", ("X_base", "y_base"))


def recipe_for_embeddings(
    method: str, n_shot: int, preset: str = "default", settings: Overrides | None = None
) -> Recipe:
    """Resolve the settings of a method that gets embeddings; nothing is trained.

    Args:
        method: registry name.
        n_shot: labelled embeddings a class.
        preset: see `build_recipe`.
        settings: by the names that ``--set`` takes.

    Raises:
        UsageError: an unknown name or setting, or a method that needs images or meta-training.
    """
    name, texts = methods.resolve(method), setting_texts(settings or {})
    on_images = f"measure it on a data set, as evaluate('{name}', dataset='cifar-fs')"
    require_embeddings_suffice(name, texts, on_images)
    recipe_type = methods[name].recipe_type
    recipe = build_recipe(
        recipe_type,
        preset=preset,
        n_shot=n_shot,
        published=published_like(recipe_type, preset, None, name),
        settings=["pretrain=none", *texts],
    )
    if recipe.train is not None:
        raise UsageError(
            f"{name} is meta-trained, on episodes of the train classes; {on_images}, or take it "
            "untrained with train=None"
        )
    return recipe


def require_embeddings_suffice(name: str, settings: Sequence[str], on_images: str) -> None:
    """Refuse a method that needs images, and settings of pretraining.

    Args:
        name: of the method.
        settings: the user's ``KEY=VALUE`` texts.
        on_images: how to measure it otherwise, for the message.

    Raises:
        NeedsImagesError: it is such a method.
        UsageError: there are such settings.
    """
    cls = methods[name]
    if cls.adapts_backbone:
        raise NeedsImagesError(
            f"{name} adapts its network to each task and needs images; {on_images}"
        )
    if cls.needs_maps:
        raise NeedsImagesError(f"{name} works on feature maps, not on embeddings; {on_images}")
    for text in settings:
        key, _, value = (part.strip() for part in text.partition("="))
        if key.startswith("pretrain") and (key, value) != ("pretrain", "none"):
            raise UsageError(f"embeddings are taken as they are; leave the setting '{key}' out")


def build_on_embeddings(
    method: str,
    dim: int,
    n_way: int,
    recipe: Recipe,
    base: EmbeddingSplit | None = None,
    seed: int = 0,
    device: torch.device | None = None,
) -> Method:
    """Build a method for embeddings, in evaluation mode.

    Args:
        method: registry name.
        dim: length D of the embeddings.
        n_way: classes of a task.
        recipe: see `recipe_for_embeddings`.
        base: of the base classes, for a method that uses them.
        seed: of weights that are drawn; the user's own random numbers are left alone.
        device: where it shall run.

    Raises:
        UsageError: the base classes are missing, or their embeddings have another length.
    """
    if base is not None and base.embeddings.shape[1] != dim:
        raise UsageError(
            f"{base.title} has embeddings of length {base.embeddings.shape[1]}, X of length {dim}; "
            "give both of one network"
        )
    with _seeded(seed):
        built = methods[method](Precomputed(dim), recipe, n_way).to(device)
        if built.uses_base:
            if base is None:
                raise UsageError(_without_base(method))
            embeddings = embed_split(built, base)
            built.see_base(embeddings, torch.from_numpy(base.labels).to(embeddings.device))
    return built.eval()


def untrained(method: str, dim: int, n_way: int, recipe: Recipe) -> Method:
    """Build a method for embeddings as it is before any training, to see what it would need."""
    with _seeded(0):
        return methods[method](Precomputed(dim), recipe, n_way)


def _without_base(method: str) -> str:
    name = methods.resolve(method)
    settings = methods[name].without_base.items()
    instead = "".join(f", or set {key}={value!r} to do without" for key, value in settings)
    return f"{name} uses embeddings of the base classes; give X_base and y_base{instead}"


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw on the CPU from a seed, and then go on as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
