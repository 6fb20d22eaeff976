"""Time the sampling of episodes.

Usage: python -m bench.ours.sampling FOLDER - EPISODES
"""

import sys
import time
from pathlib import Path

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from fewshot_bench.episodes.source import EpisodeSource


def main(folder: Path, n_episodes: int, chunk: int = 500) -> None:
    """Draw the episodes in chunks, as the evaluator does."""
    source = EpisodeSource(make_split(folder), SPEC)
    source.indices(0, 1)
    began = time.perf_counter()
    for start in range(0, n_episodes, chunk):
        source.indices(start, min(chunk, n_episodes - start))
    print_measured(n_episodes / (time.perf_counter() - began))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[3]))
