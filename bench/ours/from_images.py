"""Time a whole evaluation from images.

Usage: python -m bench.ours.from_images FOLDER METHOD EPISODES
"""

import sys
import time
from pathlib import Path

import torch

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.peak import peak_mb
from bench.settings import N_CHECKED
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Recipe
from fewshot_bench.training.pretraining import build_backbone
from fewshot_bench.utilities.memory import keep_freed_memory


def build(name: str, split: ImageSplit, recipe: Recipe | None = None) -> Method:
    """Return an untrained method on conv4-64, the same on every call."""
    torch.manual_seed(0)
    cls = methods[name]
    network = build_backbone("conv4-64", split, torch.device("cpu"))
    return cls(network, recipe or build_recipe(cls.recipe_type, n_shot=SPEC.n_shot), SPEC.n_way)


def main(folder: Path, name: str, n_episodes: int) -> None:
    """Embed the split and score the episodes."""
    keep_freed_memory()
    split = make_split(folder)
    source = EpisodeSource(split, SPEC)
    method = build(name, split)
    began = time.perf_counter()
    result = evaluate(method, source, n_episodes)
    seconds, first = time.perf_counter() - began, result.accuracies[:N_CHECKED]
    print_measured(n_episodes / seconds, sum(first) / len(first), peak_mb())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
