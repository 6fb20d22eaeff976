"""Time a plain loop that embeds the images of every episode anew, as the peers' evaluators do.

Usage: python -m bench.ours.each_anew FOLDER METHOD EPISODES
"""

import sys
import time
from pathlib import Path

import torch

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.from_images import build
from bench.settings import N_CHECKED
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import gather
from fewshot_bench.evaluation.features import ImageTable
from fewshot_bench.ops.basic import accuracy


@torch.no_grad()
def main(folder: Path, name: str, n_episodes: int) -> None:
    """Classify one episode after the other, from its images."""
    split = make_split(folder)
    source = EpisodeSource(split, SPEC)
    method = build(name, split).eval()
    method.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    table = ImageTable(split, torch.device("cpu"))
    accuracies = []
    began = time.perf_counter()
    for i in range(n_episodes):
        episode, labels = gather(table, source.indices(i, 1), SPEC.n_way)
        accuracies.append(accuracy(method(episode).argmax(-1), labels))
    seconds = time.perf_counter() - began
    print_measured(n_episodes / seconds, float(torch.cat(accuracies[:N_CHECKED]).mean()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
