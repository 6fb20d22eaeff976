"""Configurations: names, settings and data of one run, resolved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fewshot_bench.backbones.base import backbones
from fewshot_bench.backbones.given_weights import keep_weights
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import EMBEDDED_BY, Dataset, ImageSplit
from fewshot_bench.data.published import overrides_of, published_like
from fewshot_bench.errors import UsageError, concerning
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe, preset_backbone
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.domains import Domains
from fewshot_bench.runs.on_embeddings import recipe_on_embeddings
from fewshot_bench.runs.request import DEFAULT_BACKBONE
from fewshot_bench.utilities.files import printable


def given_weights(path: Path | None, backbone: str | None, like: ImageSplit) -> dict[str, str]:
    """Keep the weights of a file for a backbone; return what a configuration says of them.

    Raises:
        UsageError: they cannot be read, or do not fit a backbone for images as those of `like`.
    """
    if path is None:
        return {}
    digest = keep_weights(path, backbones.resolve(backbone or DEFAULT_BACKBONE), like.image_shape)
    return {"backbone_weights": digest, "weights_name": printable(path.stem)}


def make_config(
    method: str,
    backbone: str | None,
    dataset: Dataset,
    *,
    preset: str = "default",
    n_shot: int = 1,
    settings: Sequence[str] = (),
    split: str = "test",
    train_dataset: Dataset | None = None,
    **protocol: int | str | None,
) -> RunConfig:
    """Resolve names and recipe to the complete configuration of one run.

    Without a backbone it is the one that the preset names, or `DEFAULT_BACKBONE`.

    The recipe of a backbone that comes pretrained has no section for that, nor has one on
    embeddings, whose backbone is theirs. What a recipe owes to the data, it owes to those that
    are trained on: `train_dataset`, if it is not `dataset`. Weights that `given_weights` kept are
    among the facts of `protocol`.

    Raises:
        UsageError: an unknown name or setting, or one of pretraining for such a backbone.
    """
    name, domains = methods.resolve(method), Domains(dataset, train_dataset)
    n_way, given = protocol.get("n_way") or 5, protocol.get("backbone_weights") is not None
    recipe_type, trained_on = methods[name].recipe_type, domains.training.name
    published = published_like(recipe_type, preset, trained_on, name)
    own = None if given else preset_backbone(recipe_type, preset, n_shot, published)
    chosen = _backbone(backbone, own or DEFAULT_BACKBONE, domains)
    layers = {"preset": preset, "n_shot": n_shot, "published": published}
    with concerning(name):
        if domains.embedded_by:
            dim = int(dataset.any_split.rows.shape[1])
            recipe = recipe_on_embeddings(name, dim, int(n_way), settings, **layers)
        else:
            recipe = _recipe_on_images(name, chosen, given, trained_on, settings, **layers)
    return RunConfig.model_validate(
        {
            "method": name,
            "backbone": chosen,
            "n_shot": n_shot,
            "split": split,
            "preset": preset,
            "settings": sorted(text.replace(" ", "") for text in settings),
            "published": None if published == trained_on else published,
            "recipe": recipe.model_dump(mode="json"),
            **domains.facts(split),
            **protocol,
        }
    )


def _backbone(asked: str | None, otherwise: str, domains: Domains) -> str:
    """Return the backbone of a run: that of the embeddings, if there are some."""
    made_by = domains.embedded_by
    if made_by is None:
        if asked and asked.partition(":")[0] == EMBEDDED_BY:
            raise UsageError(
                f"'{asked}' stands for data sets of embeddings, and {domains.dataset.name} holds "
                "images; choose another --backbone"
            )
        return backbones.resolve(asked or otherwise)
    if asked not in (None, EMBEDDED_BY, made_by):
        raise UsageError(
            f"{domains.dataset.name} holds embeddings, which a network has made already; leave "
            "--backbone out"
        )
    return made_by


def _recipe_on_images(
    name: str, backbone: str, given: bool, trained_on: str, settings: Sequence[str], **layers: Any
) -> Recipe:
    """Resolve a recipe for images; `layers` are further arguments of `build_recipe`."""
    pretrained = given or getattr(backbones[backbone], "pretrained", False)
    recipe = build_recipe(
        methods[name].recipe_type,
        dataset=overrides_of(trained_on),
        settings=["pretrain=none", *settings] if pretrained else settings,
        **layers,
    )
    if pretrained and recipe.pretrain is not None:
        how = "with weights that are given" if given else "pretrained"
        raise UsageError(f"{backbone} comes {how}; leave the settings of 'pretrain' out")
    return recipe
