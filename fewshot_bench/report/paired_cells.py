"""Cells whose runs are compared episode by episode."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import COLUMN
from fewshot_bench.statistics.family import not_worse

# Accuracy of each episode of a run, by its id: ``[n_episodes]`` in [0, 1]. Raises `UsageError`.
Accuracies = Callable[[str], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Episodes:
    """The episodes of a run, as `compare` takes them."""

    accuracies: NDArray[np.float64]
    episode_digest: str


def by_seed(cell: Mapping[Hashable, Any], accuracies: Accuracies) -> dict[int, Episodes]:
    """Return the episodes of each training seed of a cell, as many as its column has."""
    runs, n = zip(cell["seeds"], cell["run_ids"], strict=True), cell["n_episodes"]
    return {seed: Episodes(accuracies(run_id)[:n], cell["episode_digest"]) for seed, run_id in runs}


def significance(frame: pd.DataFrame, accuracies: Accuracies) -> tuple[pd.Series, list[str]]:
    """Say which cells are the best of their column, or not significantly worse.

    Args:
        frame: of `cells`.
        accuracies: of each run.

    Returns:
        Booleans in the order of the frame, and labels of the columns that keep their ``best``, as
        the episodes of a run are not at hand.
    """
    marks, untold = frame["best"].copy(), []
    for _, column in frame.groupby(COLUMN):
        rows: Sequence[Mapping[Hashable, Any]] = column.to_dict("records")
        try:
            marks[column.index] = not_worse([by_seed(row, accuracies) for row in rows])
        except UsageError as error:
            untold.append(f"{rows[0]['dataset']} {rows[0]['label']} ({error})")
    return marks, untold
