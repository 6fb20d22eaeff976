"""Measure the peak memory of an evaluation.

Usage: python -m bench.ours.memory FOLDER embeddings|images N

`embeddings`: N episodes on the cached embeddings; all memory of the process counts.
`images`: N images in a memory-mapped file, 2,000 episodes by weights that are stored; what is
mapped from files does not count, as the system may drop it at any time.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.inputs import IMAGE, SPEC, split_of
from bench.line import print_measured
from bench.ours.from_images import build
from bench.ours.heads import load
from bench.ours.peak import peak_mb, unmapped_mb
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import evaluate, score_episodes
from fewshot_bench.evaluation.features import FeatureTable
from fewshot_bench.utilities.memory import keep_freed_memory

N_CLASSES, N_EPISODES = 160, 2_000


def embeddings(folder: Path, n_episodes: int) -> float:
    """Peak of simple-shot, which transforms the embeddings, in MB."""
    method, source, features = load(folder, "simple-shot")
    score_episodes(method, source, n_episodes, FeatureTable(method.transform(features)))
    return peak_mb() or 0.0


def images(_: Path, n_images: int) -> float:
    """Peak of what is not mapped from files, in MB, for images that are all zero."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["FSBENCH_HOME"] = home
        path = Path(home) / "images.npy"  # a sparse file: zeros take no place on the disk
        shape = (n_images // N_CLASSES * N_CLASSES, *IMAGE)
        np.lib.format.open_memmap(path, "w+", np.uint8, shape).flush()
        split = split_of(np.load(path, mmap_mode="r"), "test", N_CLASSES)
        method = build("proto-net", split)
        method.backbone.weights_key = "stored"
        with _sampled() as seen:
            evaluate(method, EpisodeSource(split, SPEC), N_EPISODES)
    return max(seen)


@contextmanager
def _sampled(every: float = 0.02) -> Iterator[list[float]]:
    """Collect what is not mapped from files, in MB, until the block ends."""
    seen, done = [unmapped_mb()], threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(unmapped_mb())
            time.sleep(every)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    keep_freed_memory()
    measured = embeddings if sys.argv[2] == "embeddings" else images
    print_measured(measured(Path(sys.argv[1]), int(sys.argv[3])))
