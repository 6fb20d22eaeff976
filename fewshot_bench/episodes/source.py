"""Which rows of a split make which episode: a fixed, endless stream by split, shape and seed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from fewshot_bench.data.dataset import SPLITS, Split
from fewshot_bench.episodes.episode import EpisodeIndices, Indices
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError


class EpisodeSource:
    """The endless, fixed stream of episodes of a split.

    Episode *i* depends on (split, spec, seed, i) alone: the random numbers are those of numpy's
    Philox at counter *i*. Any worker can make any episode, resuming costs nothing, and every
    method sees the same episodes. Labels are given to classes at random, support and queries
    come in random order, and never overlap.

    Args:
        split: what episodes are made of.
        spec: the shape of an episode.
        seed: of the stream; the same seed gives unrelated episodes in another split.

    Raises:
        UsageError: the split has too few classes, or too few rows of one.
    """

    def __init__(self, split: Split, spec: EpisodeSpec, seed: int = 0) -> None:
        _check(split, spec)
        self.split, self.spec, self.seed = split, spec, seed
        draws = 2 * spec.n_way + 2 * spec.n_way * spec.images_needed
        draws += spec.n_support + spec.n_queries + (spec.n_way if spec.dirichlet else 0)
        draws += spec.n_way if spec.n_query_way else 0
        self._blocks = -(-draws // 4)  # one Philox counter gives four numbers

    def indices(self, start: int, n: int) -> EpisodeIndices:
        """Return the images of episodes ``start .. start + n - 1``."""
        spec, take = self.spec, _Uniforms(self._uniforms(start, n))
        n_classes = np.full(n, len(self.split.class_names))
        classes = _distinct(take(spec.n_way), take(spec.n_way), n_classes)
        shape = (spec.n_way, spec.images_needed)
        within = _distinct(take(*shape), take(*shape), self.split.class_counts[classes])
        images = within + self.split.class_offsets[classes][..., None]
        labels = np.broadcast_to(np.arange(spec.n_way)[:, None], images.shape)
        support, support_labels = (x[..., : spec.n_shot].reshape(n, -1) for x in (images, labels))
        order = np.argsort(take(spec.n_support), axis=1)
        support, support_labels = _reorder(order, support, support_labels)
        order = np.argsort(take(spec.n_queries), axis=1)
        chosen = self._query_mask(take, n)
        query, query_labels = (
            x[..., spec.n_shot :][chosen].reshape(n, -1) for x in (images, labels)
        )
        query, query_labels = _reorder(order, query, query_labels)
        return EpisodeIndices(support, support_labels, query, query_labels, classes)

    def _query_mask(self, take: "_Uniforms", n: int) -> NDArray[np.bool_]:
        """Which of the candidates of each class are queries, bool ``[n, n_way, candidates]``."""
        spec = self.spec
        weights: NDArray[Any] = np.ones((n, spec.n_way))
        if spec.dirichlet is not None:
            weights = gammaincinv(spec.dirichlet, take(spec.n_way))
        if spec.n_query_way is not None:
            rank = np.argsort(np.argsort(take(spec.n_way), axis=1), axis=1)
            weights = np.where(rank < spec.n_query_way, weights, 0.0)
        counts = _round_to_total(weights / weights.sum(1, keepdims=True), spec.n_queries)
        candidates = np.arange(spec.images_needed - spec.n_shot)
        mask: NDArray[np.bool_] = candidates < counts[..., None]
        return mask

    def _uniforms(self, start: int, n: int) -> NDArray[np.float64]:
        key = np.array([self.seed, SPLITS.index(self.split.split)], dtype=np.uint64)
        counter = np.array([start * self._blocks, 0, 0, 0], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
        return generator.random((n, self._blocks * 4))


class _Uniforms:
    """Hands out the columns of a table of uniform numbers, each once."""

    def __init__(self, table: NDArray[np.float64]) -> None:
        self._table, self._used = table, 0

    def __call__(self, *shape: int) -> NDArray[np.float64]:
        size = int(np.prod(shape))
        columns = self._table[:, self._used : self._used + size]
        self._used += size
        return columns.reshape(-1, *shape)


def _distinct(
    draws: NDArray[np.float64], order: NDArray[np.float64], population: Indices
) -> Indices:
    """Sample m distinct integers below `population`, in random order (Floyd's algorithm).

    Args:
        draws: uniforms ``[..., m]`` that choose.
        order: uniforms ``[..., m]`` that shuffle.
        population: ``[...]``, how many integers there are to choose from.
    """
    m = draws.shape[-1]
    # Draws first, samples last: each step of the loop then reads and writes in one piece.
    tops = population + np.arange(-m, 0).reshape(-1, *[1] * population.ndim)
    chosen = (np.moveaxis(draws, -1, 0) * (tops + 1)).astype(np.int64)
    for k in range(1, m):
        taken = (chosen[:k] == chosen[k]).any(0)
        np.copyto(chosen[k], tops[k], where=taken)
    return np.take_along_axis(np.moveaxis(chosen, 0, -1), np.argsort(order, axis=-1), axis=-1)


def _reorder(order: Indices, *rows: Indices) -> list[Indices]:
    return [np.take_along_axis(row, order, axis=1) for row in rows]


def _round_to_total(proportions: NDArray[np.float64], total: int) -> Indices:
    """Round ``[n, W]`` proportions to counts that sum to `total` (largest remainders)."""
    exact = proportions * total
    counts = np.floor(exact).astype(np.int64)
    rank = np.argsort(np.argsort(counts - exact, axis=1), axis=1)
    counts += rank < (total - counts.sum(1))[:, None]
    return counts


def _check(split: Split, spec: EpisodeSpec) -> None:
    if min(spec.n_shot, spec.n_query) < 1 or spec.n_way < 2:
        raise UsageError("an episode needs at least 2 ways, 1 shot and 1 query a class")
    if spec.n_query_way is not None and not 1 <= spec.n_query_way <= spec.n_way:
        raise UsageError(
            f"queries cannot come from {spec.n_query_way} of {spec.n_way} classes; choose query "
            f"ways from 1 to {spec.n_way}"
        )
    if spec.n_way > (n := len(split.class_names)):
        classes = "1 class" if n == 1 else f"{n} classes"
        what_fits = f"ask for {n} ways or fewer" if n > 1 else "give it at least 2"
        raise UsageError(
            f"{spec.n_way}-way episodes are not possible: {split.title} has {classes}; {what_fits}"
        )
    scarcest = int(np.argmin(split.class_counts))
    if spec.images_needed > split.class_counts[scarcest]:
        raise UsageError(
            f"{spec.n_shot} shots and {spec.images_needed - spec.n_shot} queries need "
            f"{spec.images_needed} of each class, but class '{split.class_names[scarcest]}' of "
            f"{split.title} has {split.class_counts[scarcest]}; {_what_fits(split, spec)}"
        )


def _what_fits(split: Split, spec: EpisodeSpec) -> str:
    """Say how many queries a class the scarcest class allows."""
    left = int(split.class_counts.min()) - spec.n_shot
    at_worst = spec.images_needed - spec.n_shot  # of one class, for n_query of each
    if most := max(0, left) * spec.n_query // at_worst:
        return f"ask for {most} {'query' if most == 1 else 'queries'} a class or fewer"
    return "lower shots, or balance the queries" if spec.dirichlet else "lower shots"
