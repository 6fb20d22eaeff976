"""Embeddings of a data set by a network whose weights are here, for use elsewhere."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.embedding_export import require_format, write_embedding_file
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.store import open_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.recipe import PretrainRecipe, Recipe
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.training.pretraining import build_backbone, pretrain, pretraining
from fewshot_bench.utilities.files import require_writable

# Whose recipe the weights follow: that of all methods which share the default pretraining.
METHOD = "simple-shot"


def export_embeddings(
    dataset: str,
    backbone: str | None,
    output: Path,
    *,
    preset: str = "default",
    settings: Sequence[str] = (),
    seed: int = 0,
    device: torch.device,
) -> dict[str, EmbeddingSplit]:
    """Write the embeddings of all splits of a data set into one file.

    Args:
        dataset: name; one of embeddings is written as it is.
        backbone: name; None: as for a run.
        output: file; its ending says the format, see `write_embedding_file`.
        preset: schedule of the pretraining.
        settings: ``KEY=VALUE`` texts of it, as ``pretrain.epochs=60``.
        seed: of the pretraining.
        device: to compute on.

    Returns:
        What was written, by split.

    Raises:
        UsageError: something is unknown, or the weights are not on this machine; the message
            gives the command that makes them.
    """
    require_format(output)
    require_writable(output)
    for text in settings:
        if not text.strip().startswith("pretrain"):
            raise UsageError(f"'{text}' changes no embedding; --set takes settings of 'pretrain'")
    data = open_dataset(dataset)
    config = make_config(METHOD, backbone, data, preset=preset, settings=settings, seed=seed)
    network = _with_stored_weights(config, data, device)
    splits = {split: _embedded(network, data, split) for split in data.splits}
    write_embedding_file(output, splits)
    return splits


def _with_stored_weights(config: RunConfig, data: Dataset, device: torch.device) -> Backbone:
    network = build_backbone(config.backbone, data.any_split, device)
    recipe = config.recipe["pretrain"]
    if recipe is None:  # embeddings, or a network that comes pretrained
        pretrained = data.backbone or getattr(backbones[config.backbone], "pretrained", False)
        if not pretrained:
            raise UsageError(f"without pretraining {config.backbone} embeds nothing of use")
        return network
    stored = pretraining(data, config.backbone, PretrainRecipe.model_validate(recipe), config.seed)
    if not stored.path.exists():
        raise UsageError(
            f"no weights of {config.backbone}, pretrained on {data.name} like that, are on this "
            f"machine; make them with '{_command(config)}'"
        )
    pretrain(stored, network, data, device)
    return network


def _command(config: RunConfig) -> str:
    words = ["fsbench", "run", "-m", METHOD, "--dataset", config.dataset]
    words += ["--backbone", config.backbone]
    if config.preset != "default":
        words += ["--preset", config.preset]
    if config.seed:
        words += ["--seed", str(config.seed)]
    for text in config.settings:
        words += ["--set", text]
    return shlex.join(words)


def _embedded(network: Backbone, data: Dataset, split: str) -> EmbeddingSplit:
    rows = data[split]
    features = embed_split(NearestCosine(network, Recipe(), 2), rows)
    return EmbeddingSplit(
        dataset=rows.dataset,
        split=split,
        class_names=rows.class_names,
        class_counts=rows.class_counts,
        checksum=rows.checksum,
        embeddings=features.float().cpu().numpy(),
    )
