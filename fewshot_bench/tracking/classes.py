"""Accuracy by class and confusion between classes, from a run's predictions, as files."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.config import RunConfig
from fewshot_bench.evaluation.predictions import read_predictions
from fewshot_bench.statistics.metrics import accuracy_of_sums, class_sums, confusion, row_shares
from fewshot_bench.utilities.csv_text import csv_text
from fewshot_bench.utilities.printing import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NAMED = 60  # classes whose names fit beside a picture


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


def draw_confusion(names: list[str], shares: NDArray[np.float64], title: str, path: Path) -> None:
    """Draw mistakes as colours, and right answers as numbers beside the names, into a PNG.

    Args:
        names: of the C classes; they are written if there are at most `MAX_NAMED`.
        shares: of the queries of each class (row) that were taken for each, ``[C, C]`` in [0, 1].
        title: what was run.
        path: of the file.
    """
    from matplotlib.figure import Figure

    side = min(3 + 0.22 * len(names), 14)
    figure = Figure(figsize=(side + 1.5, side), dpi=120, layout="constrained")
    axes = figure.subplots()
    right = np.eye(len(names), dtype=bool)
    mistakes = np.ma.masked_array(100 * shares, right)
    most = max(1.0, float((100 * shares[~right]).max(initial=0)))
    colours = axes.imshow(mistakes, cmap="magma_r", vmin=0, vmax=most, interpolation="nearest")
    axes.set_facecolor("0.9")  # shows on the diagonal
    figure.colorbar(colours, ax=axes, label="% of the queries of a class", shrink=0.8)
    axes.set(xlabel="taken for", ylabel="class, and how much of it was taken for itself")
    axes.set_title(f"{printable(title)}: confusion", fontsize=9, parse_math=False)
    _name_classes(axes, list(map(printable, names)), 100 * shares.diagonal())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # boxes stand for them
        figure.savefig(path, format="png")


def _name_classes(axes: "Axes", names: list[str], accuracies: NDArray[np.float64]) -> None:
    """Write what stands beside rows and columns; a name is no formula, whatever it contains."""
    if len(names) > MAX_NAMED:
        axes.set_ylabel(f"{len(names)} classes, in the order of accuracy_by_class.csv")
        return
    short = [name if len(name) <= 24 else f"{name[:23]}…" for name in names]
    beside = [f"{name}  {share:.0f} %" for name, share in zip(short, accuracies, strict=True)]
    places = range(len(names))
    axes.set_xticks(places, short, rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(places, beside, fontsize=7, parse_math=False)
