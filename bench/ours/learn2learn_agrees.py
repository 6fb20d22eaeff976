"""Compare the adapted logits and the meta-gradient of learn2learn-maml with those of maml.

Usage: python -m bench.ours.learn2learn_agrees FOLDER - EPISODES
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.from_images import build
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import gather
from fewshot_bench.evaluation.features import ImageTable


def main(folder: Path, n_episodes: int) -> None:
    """Print the largest difference, relative to the largest logit or entry of the gradient."""
    split = make_split(folder)
    source = EpisodeSource(split, SPEC)
    table = ImageTable(split, torch.device("cpu"))
    episode, labels = gather(table, source.indices(0, n_episodes), SPEC.n_way)
    ours, theirs = (build(name, split).eval() for name in ("maml", "learn2learn-maml"))
    logits = _difference(ours(episode), theirs(episode))
    gradients = []
    for method in (ours, theirs):
        method.train().loss(episode, labels).backward()  # type: ignore[no-untyped-call]
        given = [p.grad for p in method.parameters() if p.grad is not None]
        gradients.append(torch.cat([gradient.flatten() for gradient in given]))
    print_measured(max(logits, _difference(*gradients)))


def _difference(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max() / first.abs().max())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[3]))
