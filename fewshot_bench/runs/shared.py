"""Making what several cells begin with."""

from dataclasses import replace

import torch

from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.config import RunConfig
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.cells import PRETRAINED, SharedWork
from fewshot_bench.runs.domains import Domains, domains_of
from fewshot_bench.runs.runner import prepare
from fewshot_bench.runs.weights import needed_weights
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.pretraining import build_backbone, pretrain
from fewshot_bench.utilities.threads import pretraining_threads, threads


def make_shared(work: SharedWork, device: torch.device, renew: bool = False) -> None:
    """Make weights unless they are stored, and after a pretraining the embeddings to measure on.

    Args:
        work: what is to be made.
        device: to compute on.
        renew: make weights of other code or former images anew.
    """
    domains = domains_of(work.config)
    needed = {w.folder.name: w for w in needed_weights(work.config, domains.training)}
    weights = replace(needed[work.name], renew=renew)
    if weights.facts["kind"] == PRETRAINED:
        _pretrain(weights, work.config, domains, device)
    else:
        prepare(work.config, domains.training, device, renew)


def _pretrain(
    weights: StoredWeights, config: RunConfig, domains: Domains, device: torch.device
) -> None:
    backbone = build_backbone(config.backbone, domains.training.any_split, device)
    with threads(pretraining_threads()):
        pretrain(weights, backbone, domains.training, device)
    embed_split(NearestCosine(backbone, Recipe(), config.n_way), domains.measured(config.split))
