"""From scores to answers, and what the answers of some episodes amount to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_bench.data.dataset import Split
from fewshot_bench.episodes.episode import EpisodeIndices
from fewshot_bench.results import Answers
from fewshot_bench.statistics.metrics import calibration_gaps, macro_f1

_SCORES_AT_ONCE = 1_000_000  # at least, if there are so many


@dataclass(frozen=True, eq=False)
class Block:
    """Episodes that were sampled together, what was answered, and what that amounts to.

    Attributes:
        indices: of the episodes.
        answers: int64 ``[n, Q]``.
        probabilities: of each answer, float32 ``[n, Q]``.
        accuracies, macro_f1: float64 ``[n]``.
        gaps: of the calibration, see `calibration_gaps`.
    """

    indices: EpisodeIndices
    answers: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    accuracies: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    gaps: NDArray[np.float64]

    def told(self, split: Split) -> Answers:
        """Say what was answered by the rows and labels that the split was given."""
        return Answers(
            predictions=self.answers,
            query_labels=self.indices.query_labels,
            query_indices=split.given_at(self.indices.query),
            classes=split.class_labels[self.indices.classes],
            probabilities=self.probabilities,
        )


def block_of(indices: EpisodeIndices, scores: Iterable[Tensor]) -> Block:
    """Say what episodes come to.

    Args:
        indices: of the episodes.
        scores: of their queries, in batches ``[T, Q, n_way]``.
    """
    decided = [decide(parts) for parts in _together(scores)]
    answers, probabilities = (np.concatenate(parts) for parts in zip(*decided, strict=True))
    hits = answers == indices.query_labels
    f1 = macro_f1(answers, indices.query_labels, indices.classes.shape[1])
    gaps = calibration_gaps(probabilities, hits)
    return Block(indices, answers, probabilities, hits.mean(1), f1, gaps)


def decide(scores: Sequence[Tensor]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Turn scores into answers, and the probability of each by the softmax.

    Args:
        scores: of batches of tasks, ``[T, Q, n_way]`` each.

    Returns:
        The answers, of equal scores the first, and their probabilities: ``[T, Q]`` over all T.
    """
    # Classes first: `argmax` takes longer than all of this, several times so for some layouts.
    by_class = torch.cat([part.permute(2, 0, 1) for part in scores], dim=1)
    best, last = by_class.amax(0), len(by_class) - 1
    behind = torch.arange(last, -1, -1, dtype=torch.int32, device=best.device)  # each class
    answers = last - ((by_class == best) * behind[:, None, None]).amax(0)
    probabilities = (by_class - best).exp().sum(0).reciprocal()
    return answers.cpu().long().numpy(), probabilities.cpu().float().numpy()


def _together(scores: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Group batches of scores: few are decided in no more time than one, and many fill memory."""
    waiting: list[Tensor] = []
    for part in scores:
        waiting.append(part)
        if sum(map(torch.numel, waiting)) >= _SCORES_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
