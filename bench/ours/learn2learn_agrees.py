"""Compare the adapted logits and the meta-gradient of learn2learn-maml with those of maml.

Usage: python -m bench.ours.learn2learn_agrees FOLDER - SHOTS
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from fewshot_bench.backbones import Backbone
from fewshot_bench.episode import EpisodeSource
from fewshot_bench.episode_spec import EpisodeSpec
from fewshot_bench.evaluate import gather
from fewshot_bench.features import ImageTable
from fewshot_bench.method import Method
from fewshot_bench.pretrain import build_backbone
from fewshot_bench.recipe import build_recipe
from fewshot_bench.registry import methods

N_EPISODES = 8


def main(folder: Path, n_shot: int) -> None:
    """Print the largest difference, relative to the largest logit or entry of the gradient."""
    source = EpisodeSource(make_split(folder), EpisodeSpec(SPEC.n_way, n_shot, SPEC.n_query))
    table = ImageTable(source.split, torch.device("cpu"))
    episode, labels = gather(table, source.indices(0, N_EPISODES), SPEC.n_way)
    ours, theirs = (_build(name, source) for name in ("maml", "learn2learn-maml"))
    logits = _difference(ours(episode), theirs(episode))
    gradients = []
    for method in (ours, theirs):
        method.train().loss(episode, labels).backward()  # type: ignore[no-untyped-call]
        given = [p.grad for p in method.parameters() if p.grad is not None]
        gradients.append(torch.cat([gradient.flatten() for gradient in given]))
    print_measured(max(logits, _difference(*gradients)))


def _difference(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max() / first.abs().max())


def _build(name: str, source: EpisodeSource) -> Method:
    torch.manual_seed(0)
    backbone: Backbone = build_backbone("conv4-64", source.split, torch.device("cpu"))
    recipe = build_recipe(methods[name].recipe_type, n_shot=source.spec.n_shot)
    return methods[name](backbone, recipe, SPEC.n_way).eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[3]))
