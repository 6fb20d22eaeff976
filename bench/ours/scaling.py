"""Time evaluations of growing size.

Usage: python -m bench.ours.scaling FOLDER episodes|ways|shots|images LARGEST
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.inputs import WIDTH, make_split, split_of
from bench.line import print_measured
from bench.ours.from_images import build
from bench.ours.heads import build as build_head
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import score_episodes
from fewshot_bench.evaluation.features import FeatureTable, embed_split
from fewshot_bench.method import Method
from fewshot_bench.utilities.memory import keep_freed_memory

SIZES = {
    "episodes": (100, 300, 1_000, 3_000, 10_000, 30_000),
    "ways": (5, 10, 20, 50, 100),
    "shots": (1, 2, 5, 10, 20, 50),
    "images": (1_000, 2_000, 4_000, 8_000, 16_000, 32_000),
}
N_CLASSES, PER_CLASS, N_EPISODES = 100, 120, 1_000


def episodes(method: Method, table: FeatureTable, spec: EpisodeSpec, n_episodes: int) -> float:
    """Seconds to score episodes of classes of noise."""
    split = split_of(np.zeros((N_CLASSES * PER_CLASS, 1, 1, 3), np.uint8), "test", N_CLASSES)
    source = EpisodeSource(split, spec)
    score_episodes(method, source, 64, table)
    return _seconds(lambda: score_episodes(method, source, n_episodes, table))


def images(folder: Path, n: int) -> float:
    """Seconds to embed n images by conv4-64."""
    whole = make_split(folder, "train")
    split = split_of(whole.images[:n], "test", 1)
    method = build("proto-net", split)
    embed_split(method, split_of(whole.images[:100], "test", 1))
    return _seconds(lambda: embed_split(method, split))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(folder: Path, what: str, largest: int) -> None:
    """Print the seconds of each size."""
    keep_freed_memory()
    features = torch.rand(N_CLASSES * PER_CLASS, WIDTH, generator=torch.Generator().manual_seed(0))
    method, table = build_head("proto-net", features), FeatureTable(features)
    seconds = {}
    for n in [size for size in SIZES[what] if size <= largest]:
        spec = EpisodeSpec(n if what == "ways" else 5, n if what == "shots" else 1, 15)
        if what == "images":
            seconds[str(n)] = images(folder, n)
        else:
            count = n if what == "episodes" else N_EPISODES
            seconds[str(n)] = episodes(method, table, spec, count)
    print_measured(0.0, **seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
