"""Find which operations our side of a row spends its time in.

Usage: python -m bench.ours.profile FOLDER METHOD EPISODES, or FOLDER maml-PIXELS STEPS
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from bench.line import print_measured
from bench.ours.heads import load
from bench.ours.maml_step import prepare
from fewshot_bench.evaluation.evaluate import score_episodes
from fewshot_bench.evaluation.features import FeatureTable
from fewshot_bench.utilities.memory import keep_freed_memory

N_SHOWN = 6


def head(folder: Path, name: str, n_episodes: int) -> Callable[[], object]:
    """Return what scores the episodes, on one thread: only that of the caller is profiled."""
    torch.set_num_threads(1)
    method, source, features = load(folder, name)
    table = FeatureTable(method.transform(features))
    return lambda: score_episodes(method, source, n_episodes, table)


def main(folder: Path, subject: str, n: int) -> None:
    """Print the largest shares of own time, after a warm-up."""
    keep_freed_memory()
    if subject.startswith("maml-"):
        work: Callable[[], object] = prepare(folder, subject.removeprefix("maml-"))[0]
    else:
        work = head(folder, subject, n)
    work()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        work()
    times = {event.key: event.self_cpu_time_total for event in found.key_averages()}
    largest = sorted(times, key=lambda key: -times[key])[:N_SHOWN]
    print_measured(0.0, **{key: times[key] / sum(times.values()) for key in largest})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
