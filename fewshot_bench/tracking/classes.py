"""Accuracy by class and confusion between classes, from a run's predictions, as files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.config import RunConfig
from fewshot_bench.evaluation.predictions import read_predictions
from fewshot_bench.statistics.metrics import accuracy_of_sums, class_sums, confusion, row_shares
from fewshot_bench.tracking.drawing import draw_confusion
from fewshot_bench.utilities.csv_text import csv_text


def write_class_files(config: RunConfig, folder: Path) -> None:
    """Write ``accuracy_by_class.csv``, ``confusion.csv`` and ``confusion.png``.

    The first has a line for each class that was asked for or answered: ``class, queries, episodes,
    accuracy, ci95`` (percent, see `ClassAccuracy`). The second has one for each pair of classes
    that occurs, mistakes before right answers and frequent ones first: ``true_class,
    predicted_class, queries, share`` (percent of the queries of the true class).

    Args:
        config: of the run, whose predictions are kept.
        folder: where the files belong.

    Raises:
        UsageError: the predictions are damaged.
    """
    names, batches = read_predictions(config.key)
    n_classes = len(names)
    sums = np.zeros((6, n_classes), dtype=np.int64)
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    for true, predicted in batches:
        sums += class_sums(true, predicted, n_classes)
        counts += confusion(true, predicted, n_classes)
    occurring = np.flatnonzero(counts.sum(0) + counts.sum(1))
    counts, names = counts[np.ix_(occurring, occurring)], [names[place] for place in occurring]
    _write_accuracies(names, sums[:, occurring], folder / "accuracy_by_class.csv")
    _write_confusion(names, counts, folder / "confusion.csv")
    draw_confusion(names, row_shares(counts), config.title, folder / "confusion.png")


def _write_accuracies(names: list[str], sums: NDArray[np.int64], path: Path) -> None:
    import pandas as pd

    found = accuracy_of_sums(sums)
    columns = {
        "class": names,
        "queries": found.queries,
        "episodes": found.episodes,
        "accuracy": 100 * found.accuracy,
        "ci95": 100 * found.ci95,
    }
    path.write_text(csv_text(pd.DataFrame(columns)), "utf-8", newline="")


def _write_confusion(names: list[str], counts: NDArray[np.int64], path: Path) -> None:
    import pandas as pd

    true, predicted = np.nonzero(counts)
    shares = 100 * row_shares(counts)[true, predicted]
    order = np.lexsort((-shares, true == predicted))
    spelt = np.asarray(names, dtype=object)
    columns = {
        "true_class": spelt[true],
        "predicted_class": spelt[predicted],
        "queries": counts[true, predicted],
        "share": shares,
    }
    path.write_text(csv_text(pd.DataFrame(columns).iloc[order]), "utf-8", newline="")
