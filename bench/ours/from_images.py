"""Time a whole evaluation from images, by the harness or with every episode embedded anew.

Usage: python -m bench.ours.from_images FOLDER BACKBONE EPISODES
"""

import sys
import time
from pathlib import Path

import torch

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from fewshot_bench.allocator import keep_freed_memory
from fewshot_bench.episode import EpisodeSource
from fewshot_bench.evaluate import evaluate
from fewshot_bench.method import Method
from fewshot_bench.recipe import build_recipe
from fewshot_bench.registry import backbones, methods


def build(backbone: str, source: EpisodeSource) -> Method:
    """Return untrained prototypical networks, the same on every call."""
    torch.manual_seed(0)
    cls = methods["proto-net"]
    network = backbones[backbone](source.split.image_shape)
    return cls(network, build_recipe(cls.recipe_type, n_shot=SPEC.n_shot), SPEC.n_way)


def main(folder: Path, backbone: str, n_episodes: int) -> None:
    """Embed the split and score the episodes."""
    keep_freed_memory()
    source = EpisodeSource(make_split(folder), SPEC)
    method = build(backbone, source)
    began = time.perf_counter()
    result = evaluate(method, source, n_episodes)
    print_measured(n_episodes / (time.perf_counter() - began), result.mean)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
