"""Runs of many episodes beside those of few: the few are the first of the many.

Episode *i* depends on the split, its shape, the seed of the stream and *i* alone, so that two runs
of one stream share the episodes of the shorter one.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fewshot_bench.report.cells import COLUMN
from fewshot_bench.report.paired_cells import Accuracies
from fewshot_bench.tracking.record import TrackedRun

_OF_LENGTH = ("n_episodes", "episode_digest")
_STREAM = [fact for fact in COLUMN if fact not in _OF_LENGTH]


def with_shortened(runs: Sequence[TrackedRun], accuracies: Accuracies) -> list[TrackedRun]:
    """Add what each run would have been with fewer episodes, where others of its stream have fewer.

    Args:
        runs: of any streams.
        accuracies: of each run.

    Returns:
        All runs, and copies that keep the id of theirs, but have the episodes and the mean of the
        shorter column; the rest of a copy is that of the longer run.
    """
    lengths: dict[tuple[Hashable, ...], dict[int, set[str]]] = defaultdict(dict)
    for run in runs:
        lengths[_stream(run)].setdefault(run.n_episodes, set()).add(run.episode_digest)
    return [*runs, *(copy for run in runs for copy in _copies(run, lengths, accuracies))]


def stream_of(column: Mapping[Hashable, Any]) -> tuple[Hashable, ...]:
    """What columns that differ in nothing but the number of episodes have in common."""
    return tuple(column[fact] for fact in _STREAM)


def _stream(run: TrackedRun) -> tuple[Hashable, ...]:
    return (*(getattr(run, fact) for fact in _STREAM), run.episode_seed)


def _copies(
    run: TrackedRun,
    lengths: dict[tuple[Hashable, ...], dict[int, set[str]]],
    accuracies: Accuracies,
) -> list[TrackedRun]:
    shorter = {n: d for n, d in lengths[_stream(run)].items() if n < run.n_episodes}
    return [
        replace(
            run, n_episodes=n, episode_digest=digest, mean=float(accuracies(run.run_id)[:n].mean())
        )
        for n, (digest, *others) in shorter.items()
        if not others  # else nobody knows which of them its own would be
    ]
