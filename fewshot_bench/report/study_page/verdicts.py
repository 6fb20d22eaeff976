"""Who is best in a column of a table, and who is not significantly worse."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import columns_of, in_column
from fewshot_bench.report.paired_cells import Accuracies, by_seed
from fewshot_bench.statistics.family import ALPHA, all_pairs
from fewshot_bench.statistics.paired import PairedComparison

Facts = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Rival:
    """A cell of a column beside the best one.

    Attributes:
        cell: as `cells` has it.
        behind: the best less this one, episode by episode; None: the best itself, or the episodes
            of some run of the column are not at hand.
        p_value: that they are equal, corrected for all pairs of the column (Holm).
    """

    cell: Facts
    behind: PairedComparison | None = None
    p_value: float | None = None

    @property
    def is_worse(self) -> bool:
        """Whether it is significantly worse than the best."""
        return self.p_value is not None and self.p_value < ALPHA


@dataclass(frozen=True)
class Verdict:
    """A column of a table, judged.

    Attributes:
        column: its facts, as `columns_of` has them.
        rivals: its cells, the best first.
        told: whether they were compared.
    """

    column: Facts
    rivals: tuple[Rival, ...]
    told: bool

    @property
    def best(self) -> Facts:
        """The cell of the highest mean."""
        return self.rivals[0].cell

    @property
    def level(self) -> tuple[Rival, ...]:
        """Those that are not significantly worse than the best."""
        return tuple(rival for rival in self.rivals[1:] if self.told and not rival.is_worse)


def verdicts_on(frame: pd.DataFrame, accuracies: Accuracies) -> list[Verdict]:
    """Judge every column of cells, each a family of comparisons of its own.

    Args:
        frame: of `cells`, at least one.
        accuracies: of each run.
    """
    found = []
    for column in columns_of(frame):
        rows = in_column(frame, column).sort_values("mean", ascending=False, kind="stable")
        found.append(_verdict(column, rows.to_dict("records"), accuracies))
    return found


def _verdict(column: Facts, rows: Sequence[Facts], accuracies: Accuracies) -> Verdict:
    """Compare all pairs: the best is chosen by the data, so that whichever it is may be it."""
    try:
        found = all_pairs([by_seed(row, accuracies) for row in rows])
    except UsageError:
        return Verdict(column, tuple(map(Rival, rows)), told=False)
    rivals = [Rival(rows[i], *found[0, i]) for i in range(1, len(rows))]
    return Verdict(column, (Rival(rows[0]), *rivals), told=True)
