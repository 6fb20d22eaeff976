"""Time the evaluator on cached embeddings, sampling of the episodes included.

Usage: python -m bench.ours.heads FOLDER METHOD EPISODES
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.peak import peak_mb
from bench.settings import N_CHECKED, PER_CLASS, STEPS
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import score_episodes
from fewshot_bench.evaluation.features import FeatureTable
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.utilities.memory import keep_freed_memory


def build(name: str, features: Tensor) -> Method:
    """Return a method with the shared settings; the base mean is that of the embeddings."""
    cls = methods[name]
    given = (f"n_steps={STEPS[name]}",) if name in STEPS else ()
    recipe = build_recipe(cls.recipe_type, n_shot=SPEC.n_shot, settings=given)
    method = cls(Precomputed(features.shape[1]), recipe, SPEC.n_way)
    if method.uses_base:
        method.see_base(features, torch.arange(len(features)) // PER_CLASS)
    return method


def load(folder: Path, name: str) -> tuple[Method, EpisodeSource, Tensor]:
    """Return a method, the episodes, and the embeddings before the method transforms them."""
    features = torch.from_numpy(np.load(folder / "embeddings.npy"))
    return build(name, features), EpisodeSource(make_split(folder), SPEC), features


def main(folder: Path, name: str, n_episodes: int) -> None:
    """Score the episodes after a warm-up of a few."""
    keep_freed_memory()
    method, source, features = load(folder, name)
    score_episodes(method, source, min(64, n_episodes), FeatureTable(method.transform(features)))
    began = time.perf_counter()
    table = FeatureTable(method.transform(features))
    scores = score_episodes(method, source, n_episodes, table)
    seconds = time.perf_counter() - began
    print_measured(n_episodes / seconds, float(scores.accuracies[:N_CHECKED].mean()), peak_mb())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
