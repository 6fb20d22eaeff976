"""Making what several cells begin with."""

import json
from dataclasses import replace

import torch

from fewshot_bench.evaluation.features import embed_split, features_path
from fewshot_bench.method import methods
from fewshot_bench.runs.cells import PRETRAINED, SharedWork
from fewshot_bench.runs.domains import Domains, domains_of
from fewshot_bench.runs.runner import prepare
from fewshot_bench.runs.weights import needed_weights
from fewshot_bench.training.pretraining import build_backbone, pretrain
from fewshot_bench.utilities.files import atomic_file
from fewshot_bench.utilities.shared_store import share
from fewshot_bench.utilities.threads import pretraining_threads, threads


def make_shared(work: SharedWork, device: torch.device, renew: bool = False) -> None:
    """Make weights, or embeddings by weights, unless they are stored.

    Args:
        work: what is to be made.
        device: to compute on.
        renew: make weights of other code or former images anew.
    """
    domains = domains_of(work.config)
    if work.embeds:
        _embed(work, domains, device)
        return
    needed = {w.folder.name: w for w in needed_weights(work.config, domains.training)}
    weights = replace(needed[work.name], renew=renew)
    if weights.facts["kind"] == PRETRAINED:
        backbone = build_backbone(work.config.backbone, domains.training.any_split, device)
        with threads(pretraining_threads()):
            pretrain(weights, backbone, domains.training, device)
    else:
        prepare(work.config, domains.training, device, renew)


def _embed(work: SharedWork, domains: Domains, device: torch.device) -> None:
    """Embed a split by a pretraining that is done, and note where that is kept."""
    config, dataset = work.config, domains.training
    kind = methods[config.method]
    recipe = kind.recipe_type.model_validate(config.recipe)
    backbone = build_backbone(config.backbone, dataset.any_split, device)
    method = kind(backbone, recipe, config.n_way).to(device)
    (stored,) = (w for w in needed_weights(config, dataset) if w.folder.name in work.needs)
    pretrain(stored, backbone, dataset, device)
    measured = work.embeds == "measured"
    split = domains.measured(config.split) if measured else dataset[str(work.embeds)]
    embed_split(method, split)
    path = features_path(method, split)
    with atomic_file(work.path) as note:
        note.write_text(json.dumps({"file": path and path.name}), "utf-8")
    share(work.path)
