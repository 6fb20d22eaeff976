"""The shared evaluator: every method, the same episodes, one Result."""

import hashlib
import platform
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_bench.data.dataset import ImageSplit, Split
from fewshot_bench.episodes.episode import Episode, EpisodeIndices
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.block import Block, block_of
from fewshot_bench.evaluation.features import FeatureTable, ImageTable, Table, embed_split
from fewshot_bench.evaluation.finite import require_finite_scores
from fewshot_bench.evaluation.parallel import ahead, map_on_cores
from fewshot_bench.method import Method
from fewshot_bench.results import Answers, Result
from fewshot_bench.statistics.metrics import N_BINS, calibration_error
from fewshot_bench.utilities.devices import to_device
from fewshot_bench.utilities.peak import peak_memory
from fewshot_bench.version import __version__

# Numbers that the inputs of the tasks at work may take: on a GPU at once, else on all cores.
_NUMBERS_IN_ALL = 100_000_000
_EPISODES_SAMPLED = 64  # at once, at least: sampling a few takes hardly longer than sampling one

Keep = Callable[[Answers], None]  # is handed the answers of a block of episodes, block by block


@dataclass(frozen=True)
class Scores:
    """What came of a run of episodes.

    Attributes:
        accuracies: float64 ``[n]``.
        macro_f1: likewise, see `metrics.macro_f1`.
        calibration_error: of all queries, see `metrics.expected_calibration_error`.
        digest: of what the episodes were made of.
    """

    accuracies: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    calibration_error: float
    digest: str


def evaluate(
    method: Method, source: EpisodeSource, n_episodes: int, predictions: bool | Keep = False
) -> Result:
    """Measure a method on the first episodes of a source.

    Args:
        method: trained, on the device it shall run on; left in evaluation mode.
        source: of the episodes.
        n_episodes: how many.
        predictions: keep every single answer in the result, or hand all, block by block and in
            order, to a function that keeps them elsewhere.

    Raises:
        UsageError: as `score_episodes` does.
    """
    began = time.perf_counter()
    device = method.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    inputs = inputs_of(method, source.split)
    embedded = time.perf_counter()
    kept: list[Answers] = []
    keep = predictions if callable(predictions) else kept.append if predictions else None
    scores = score_episodes(method, source, n_episodes, inputs, keep)
    return Result(
        accuracies=tuple(scores.accuracies.tolist()),
        setting=method.setting,
        seconds=time.perf_counter() - began,
        episode_seconds=(time.perf_counter() - embedded) / n_episodes,
        peak_memory_mb=_peak_memory(device) / 1e6,
        episode_digest=scores.digest,
        data_checksum=source.split.checksum,
        device=_describe(device),
        versions={
            "fewshot_bench": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        macro_f1=tuple(scores.macro_f1.tolist()),
        calibration_error=scores.calibration_error,
        answers=Answers.joined(kept) if kept else None,
    )


def inputs_of(method: Method, split: Split) -> Table:
    """Return what episodes are gathered from: embeddings computed once, or images."""
    if method.adapts_backbone:
        if not isinstance(split, ImageSplit):
            raise TypeError(f"{type(method).__name__} embeds images for each task anew")
        return ImageTable(split, method.device)
    return FeatureTable(method.transform(embed_split(method, split)))


def score_episodes(
    method: Method,
    source: EpisodeSource,
    n_episodes: int,
    table: Table,
    keep: Keep | None = None,
) -> Scores:
    """Run a method over episodes ``0 .. n_episodes - 1``, on all cores and in bounded memory.

    The tasks handed over at once depend neither on the cores nor on what was scored before, so
    neither do the accuracies. `keep` gets every single answer, if it is given.

    Raises:
        UsageError: embeddings or scores are not finite; scores are told by method and episode.
    """
    method.eval()
    chunk, block, most = _sizes(method, source, table)

    def sample(start: int) -> tuple[int, EpisodeIndices]:
        return start, source.indices(start, min(block, n_episodes - start))

    @torch.no_grad()
    def answer(method: Method, start: int, indices: EpisodeIndices) -> Block:
        parts = [indices.part(i, chunk) for i in range(0, len(indices.support), chunk)]
        episodes = (gather(table, part, source.spec.n_way)[0] for part in parts)
        scores = (
            require_finite_scores(method, method(episode), start + i * chunk)
            for i, episode in enumerate(episodes)
        )
        return block_of(indices, scores)

    def answered() -> Generator[Block, None, None]:
        starts = range(0, n_episodes, block)
        if table.device.type == "cpu":
            yield from map_on_cores(
                method, lambda own, start: answer(own, *sample(start)), starts, most
            )
        else:  # which is faster than one core makes episodes
            yield from (answer(method, *sampled) for sampled in ahead(sample, starts))

    digest, blocks = hashlib.sha256(), []
    gaps: NDArray[np.float64] = np.zeros(N_BINS)
    with closing(answered()) as all_done:
        for done in all_done:
            done.indices.update(digest)
            gaps += done.gaps
            blocks.append((done.accuracies, done.macro_f1))
            if keep is not None:
                keep(done.told(source.split))
    accuracies, f1 = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    error = calibration_error(gaps, n_episodes * source.spec.n_queries)
    return Scores(accuracies, f1, error, digest.hexdigest())


def _sizes(method: Method, source: EpisodeSource, table: Table) -> tuple[int, int, int]:
    """Return tasks handed over at once, episodes sampled at once, and such blocks at work."""
    per_task = (source.spec.n_support + source.spec.n_queries) * table.width
    on_cpu = table.device.type == "cpu"
    numbers = method.at_once.numbers if on_cpu else _NUMBERS_IN_ALL
    chunk = max(1, min(method.at_once.tasks, numbers // per_task))
    most = max(1, _NUMBERS_IN_ALL // (chunk * per_task))
    return chunk, chunk * -(-_EPISODES_SAMPLED // chunk), most


def gather(
    table: Table, indices: EpisodeIndices, n_way: int, training: bool = False
) -> tuple[Episode, Tensor]:
    """Look up a batch of tasks; returns the episode and, apart from it, the query labels.

    In training the episode says which classes of the split its labels stand for.
    """

    def there(numbers: NDArray[np.int64]) -> Tensor:
        return to_device(torch.from_numpy(numbers), table.device)

    labels, classes = there(indices.support_labels), there(indices.classes) if training else None
    support, query = table[indices.support], table[indices.query]
    episode = Episode(support, labels, query, n_way, embedded=table.embedded, classes=classes)
    return episode, there(indices.query_labels)


def _peak_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    return float(peak_memory())


def _describe(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{device.type} ({name})"
