"""What can be said of answers beside accuracy: macro-F1, calibration, accuracy by class, confusion.

All are functions of arrays. Where there are too many answers for memory, sums over batches of whole
episodes add up: `calibration_gaps`, `class_sums` and `confusion` give such sums.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Labels = NDArray[np.integer[Any]]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

N_BINS = 15  # Guo et al. 2017


@dataclass(frozen=True, eq=False)
class ClassAccuracy:
    """How well each of C classes was recognised; NaN where it was not asked for.

    Attributes:
        accuracy: right answers among the queries of a class, ``[C]`` in [0, 1].
        ci95: half-width of its 95 % interval over the episodes that asked for the class: Student's
            t of the ratio of two sums (Cochran, Sampling Techniques, 3rd ed., section 6.4). With
            equally many queries in each episode that is the interval of the mean over episodes;
            queries of one episode, which share a support, do not count as independent.
        queries: of each class, int64 ``[C]``.
        episodes: that asked for each class, int64 ``[C]``.
    """

    accuracy: Floats
    ci95: Floats
    queries: Counts
    episodes: Counts


def macro_f1(predictions: Labels, labels: Labels, n_way: int) -> Floats:
    """Macro-F1 of each episode: the mean over classes of the harmonic mean of precision and recall.

    The mean is over the classes of the episode that occur among its queries or its answers, as in
    scikit-learn's ``f1_score(labels, predictions, average="macro")``.

    Args:
        predictions: ``[n, Q]`` in ``0 .. n_way - 1``.
        labels: likewise.
        n_way: classes of an episode.

    Returns:
        ``[n]`` in [0, 1].
    """
    shape = len(labels), n_way
    first = n_way * np.arange(len(labels))[:, None]  # classes of different episodes are told apart
    asked, answered = (labels + first).ravel(), (predictions + first).ravel()
    size = len(labels) * n_way
    occurring = np.bincount(asked, minlength=size) + np.bincount(answered, minlength=size)
    hits = np.bincount(asked, (labels == predictions).ravel(), size)
    scores = np.divide(2 * hits, occurring, where=occurring > 0, out=np.zeros(size))
    means: Floats = scores.reshape(shape).sum(1) / (occurring > 0).reshape(shape).sum(1)
    return means


def expected_calibration_error(
    confidences: NDArray[Any], hits: NDArray[Any], n_bins: int = N_BINS
) -> float:
    """How far confidence is from accuracy: the mean gap over bins, weighted by their queries.

    The ECE of Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3: equally
    wide bins of the probability of the answer, the b-th of which is ``((b - 1) / n, b / n]``.

    Args:
        confidences: probability of each answer, of any shape, in [0, 1].
        hits: which answers are right, of the same shape.
        n_bins: how many.

    Returns:
        In [0, 1]; NaN if some confidence is NaN or nothing is given.
    """
    return calibration_error(calibration_gaps(confidences, hits, n_bins), confidences.size)


def calibration_gaps(confidences: NDArray[Any], hits: NDArray[Any], n_bins: int = N_BINS) -> Floats:
    """Right answers less the sum of confidences, of each bin ``[n_bins]``; batches add up.

    See `expected_calibration_error`. All are NaN if some confidence is.
    """
    confidences, hits = confidences.ravel(), hits.ravel()
    if not np.isfinite(confidences).all():
        return np.full(n_bins, np.nan)
    places = np.ceil(confidences * n_bins).astype(np.intp)  # the first holds zeros alone
    gaps = np.bincount(places, hits - confidences, n_bins + 1).astype(np.float64, copy=False)
    return np.append(gaps[0] + gaps[1], gaps[2:])


def calibration_error(gaps: Floats, n_queries: int) -> float:
    """`expected_calibration_error`, from sums of `calibration_gaps` over all `n_queries`."""
    return float(np.abs(gaps).sum() / n_queries) if n_queries else float("nan")


def accuracy_by_class(true: Labels, predicted: Labels, n_classes: int) -> ClassAccuracy:
    """Accuracy of each class, over all episodes that asked for it.

    Args:
        true: class of each query, ``[n, Q]`` in ``0 .. n_classes - 1``, one row an episode.
        predicted: class that it was taken for, likewise.
        n_classes: C.
    """
    return accuracy_of_sums(class_sums(true, predicted, n_classes))


def class_sums(true: Labels, predicted: Labels, n_classes: int) -> Counts:
    """Sums over episodes, by class, from which `accuracy_by_class` follows; batches add up.

    Returns:
        ``[6, C]``: episodes that asked for the class, its queries q, right answers h among them,
        and q², q·h and h² of each episode.
    """
    apart = true + n_classes * np.arange(len(true))[:, None]
    pairs, place, queries = np.unique(apart, return_inverse=True, return_counts=True)
    hits = np.bincount(place.ravel(), (true == predicted).ravel(), len(pairs)).astype(np.int64)
    terms = (np.ones_like(hits), queries, hits, queries**2, queries * hits, hits**2)
    sums = [np.bincount(pairs % n_classes, term, n_classes) for term in terms]
    return np.stack(sums).astype(np.int64)


def accuracy_of_sums(sums: Counts) -> ClassAccuracy:
    """`accuracy_by_class`, from sums of `class_sums`."""
    episodes, queries, hits, squares, products, squared_hits = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = hits / queries
        # Of right answers less those expected; rounding must not make it negative.
        residual = squared_hits - 2 * accuracy * products + accuracy**2 * squares
        variance = residual.clip(min=0) * episodes / (episodes - 1)
        ci95 = stdtrit(np.maximum(episodes - 1, 1), 0.975) * np.sqrt(variance) / queries
    return ClassAccuracy(accuracy, np.where(episodes > 1, ci95, np.nan), queries, episodes)


def confusion(true: Labels, predicted: Labels, n_classes: int) -> Counts:
    """How many queries of each class were taken for each: int64 ``[C, C]``, a row a true class.

    Args:
        true: class of each query, of any shape, in ``0 .. n_classes - 1``.
        predicted: class that it was taken for, likewise.
        n_classes: C.
    """
    places = true.ravel().astype(np.int64) * n_classes + predicted.ravel()
    return np.bincount(places, minlength=n_classes**2).reshape(n_classes, n_classes)


def row_shares(counts: Counts) -> Floats:
    """Divide each row of a confusion ``[C, C]`` by its sum; a class without queries keeps zeros."""
    shares: Floats = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return shares
