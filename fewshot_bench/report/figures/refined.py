"""An episode as a method refines its answers: in numbers, in two dimensions, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Step:
    """What was answered after some steps.

    Attributes:
        number: of steps.
        answers: class of each query, int64 ``[Q]``.
        weights: of the classes, of unit length, ``[n_way, D]``; None: the method has none.
    """

    number: int
    answers: Labels
    weights: Floats | None = None


@dataclass(frozen=True, eq=False)
class RefinedEpisode:
    """An episode, and all that was answered.

    Attributes:
        classes: names, by label.
        support, query: embeddings of unit length, ``[S, D]`` and ``[Q, D]``.
        support_labels, query_labels: what they are, int64 ``[S]`` and ``[Q]``.
        steps: in order; the first tells what there was before.
        images: of the queries, uint8 ``[Q, H, W, C]``, if they are images.
    """

    classes: Sequence[str]
    support: Floats
    support_labels: Labels
    query: Floats
    query_labels: Labels
    steps: Sequence[Step]
    images: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Flat:
    """An episode in two dimensions.

    Attributes:
        query: ``[Q, 2]``.
        paths: of each step, how the mark of each class came where it is, ``[n_way, k, 2]``: class
            weights, or the means of all that was taken for the class if there are none.
    """

    query: Floats
    paths: Sequence[Floats]

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Lower left and upper right of all, with room for names."""
        points = np.concatenate([self.query, *(each.reshape(-1, 2) for each in self.paths)])
        low, high = points.min(0), points.max(0)
        return low - 0.08 * (high - low), high + 0.08 * (high - low)


def projected(episode: RefinedEpisode) -> Flat:
    """Lay an episode into its `plane`."""
    origin, directions = plane(episode)
    marks = [_answered_means(episode, s) if s.weights is None else s.weights for s in episode.steps]
    ways = [(mark - origin) @ directions.T for mark in marks]
    paths = [np.stack(ways[: place + 1], axis=1) for place in range(len(ways))]
    return Flat((episode.query - origin) @ directions.T, paths)


def _answered_means(episode: RefinedEpisode, step: Step) -> Floats:
    """Means of the support of each class and of the queries that were answered so."""
    points = np.concatenate([episode.support, episode.query])
    labels = np.concatenate([episode.support_labels, step.answers])
    return np.stack([points[labels == c].mean(0) for c in range(len(episode.classes))])


def plane(episode: RefinedEpisode) -> tuple[Floats, Floats]:
    """Find where classes lie furthest apart: the leading directions of their true means.

    Returns:
        The mean of the class means ``[D]``, and two directions of unit length, ``[2, D]``, at
        right angles; the larger entries of each are positive, so that a figure is not mirrored.
    """
    points = np.concatenate([episode.support, episode.query])
    labels = np.concatenate([episode.support_labels, episode.query_labels])
    means = np.stack([points[labels == c].mean(0) for c in range(len(episode.classes))])
    origin: Floats = means.mean(0)
    directions = np.linalg.svd(means - origin, full_matrices=False)[2][:2]
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return origin, directions * signs[:, None]


def changes(episode: RefinedEpisode) -> Labels:
    """Places of the queries whose last answer is not the first, ``[n]``."""
    first, last = episode.steps[0].answers, episode.steps[-1].answers
    return np.flatnonzero(first != last)


def summary(episode: RefinedEpisode) -> str:
    """Say what became of the answers between the first and the last step."""
    first, last = episode.steps[0], episode.steps[-1]
    if first.number == last.number:
        return "the method refines nothing"
    truth, changed = episode.query_labels, changes(episode)
    now = int((last.answers[changed] == truth[changed]).sum())
    before = int((first.answers[changed] == truth[changed]).sum())
    rest = len(changed) - now - before
    return (
        f"from step {first.number} to {last.number}, {len(changed)} of {len(truth)} answers "
        f"changed: {now} became right, {before} became wrong, {rest} are as wrong as before"
    )


def shortened(names: Sequence[str], longest: int) -> list[str]:
    """Cut names to so many characters, so that they can be told apart if that is possible.

    Example:
        >>> shortened(["Greek/alpha", "Greek/beta"], 8)
        ['alpha', 'beta']
        >>> shortened(["Georgian-10D2", "Georgian-10D3"], 8)
        ['Geo…10D2', 'Geo…10D3']
    """
    ends = [name.rpartition("/")[2] for name in names]
    words = ends if len(set(ends)) == len(names) and all(ends) else names
    words = [word.replace("_", " ") for word in words]
    cut = [word if len(word) <= longest else f"{word[: longest - 1]}…" for word in words]
    if len(set(cut)) == len(cut):
        return cut
    tail = longest // 2
    head = longest - tail - 1
    return [w if len(w) <= longest else f"{w[:head]}…{w[-tail:]}" for w in words]
