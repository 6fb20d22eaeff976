"""Methods compared pair by pair, in every column of the table that has both."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import cells, columns_of, in_column, latest, row_names
from fewshot_bench.report.paired_cells import Accuracies, Episodes, by_seed
from fewshot_bench.report.selection import spelled
from fewshot_bench.report.streams import stream_of, with_shortened
from fewshot_bench.statistics.corrections import holm
from fewshot_bench.statistics.family import ALPHA, corrected_equivalence
from fewshot_bench.statistics.paired import PairedComparison, compare_seeds
from fewshot_bench.statistics.ranks import Ranks, average_ranks
from fewshot_bench.tracking.record import TrackedRun

Cell = Mapping[Hashable, Any]
_Two = tuple[Cell, Cell]


@dataclass(frozen=True)
class Pair:
    """Two methods in one column.

    Attributes:
        column: data set and protocol, as a table heads it.
        first, second: names of rows.
        found: how they compare.
        p_value: corrected for all comparisons that are told together (Holm).
        p_equivalent: likewise, that they differ by the margin or more; None: no margin was given.
        run_ids: of the first and of the second.
    """

    column: str
    first: str
    second: str
    found: PairedComparison
    p_value: float
    p_equivalent: float | None
    run_ids: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def verdict(self) -> str:
        """What the episodes tell of the first."""
        within = self.p_equivalent is not None and self.p_equivalent < ALPHA
        if self.p_value >= ALPHA:
            return "as good" if within else "not told apart"
        word = "better" if self.found.difference > 0 else "worse"
        return f"{word}, within the margin" if within else word


@dataclass(frozen=True)
class Comparison:
    """All pairs that are told together.

    Attributes:
        pairs: column by column.
        columns: facts of each column, as `note_on` takes them.
        margin: of equivalence, in [0, 1]; None: nobody asked.
        common: settings that were asked for in all runs; '' if there are none.
        transductive: names of the rows that are.
        shortened: whether some runs have more episodes than are compared.
        ranks, ranked: average ranks over the columns, and whose; None with fewer than two columns
            or three rows that are in all of them.
    """

    pairs: tuple[Pair, ...]
    columns: tuple[Cell, ...]
    margin: float | None
    common: str
    transductive: tuple[str, ...]
    shortened: bool
    ranks: Ranks | None
    ranked: tuple[str, ...]


def compare_runs(
    runs: Sequence[TrackedRun],
    accuracies: Accuracies,
    methods: Sequence[str],
    *,
    every_pair: bool = False,
    margin: float | None = None,
) -> Comparison:
    """Compare the first method with the others, in each column of a table of these runs.

    Rows are compared on one backbone; one of more episodes with one of fewer on these.

    Args:
        runs: of all methods.
        accuracies: of each run.
        methods: names in any spelling; of one alone, with all others that there are.
        every_pair: compare all with all.
        margin: largest difference that does not matter, in [0, 1].

    Raises:
        UsageError: a method has no run, no two have a column in common, or the episodes of a run
            are not at hand.
    """
    names = spelled(runs, "method", methods)
    if len(names) > 1:
        runs = [run for run in runs if run.method in names]
    frame = _named(cells(latest(with_shortened(runs, accuracies))))
    frame["whole"] = _whole(frame, runs)
    columns = columns_of(frame)
    rows = {id(c): _ordered(in_column(frame, c).to_dict("records"), names) for c in columns}
    pairs = [(c, pair) for c in columns for pair in _pairs(rows[id(c)], names, every_pair)]
    chosen = _longest(pairs)
    if not chosen:
        raise UsageError(
            f"{' and '.join(names)} share no column of a table: compare what was measured on the "
            "same episodes and one backbone"
        )
    shown = [c for c in columns if any(c is column for column, _ in chosen)]
    longest_last = sorted(shown, key=lambda column: -column["n_episodes"])
    streams = {stream_of(column): rows[id(column)] for column in longest_last}
    ranks, ranked = _ranks([*streams.values()])
    return Comparison(
        pairs=_compared(chosen, accuracies, margin),
        columns=tuple(shown),
        margin=margin,
        common=frame["common"].iloc[0],
        transductive=_transductive([row for _, pair in chosen for row in pair]),
        shortened=not all(row["whole"] for _, pair in chosen for row in pair),
        ranks=ranks,
        ranked=ranked,
    )


def _compared(
    chosen: Sequence[tuple[Cell, _Two]], accuracies: Accuracies, margin: float | None
) -> tuple[Pair, ...]:
    kept: dict[tuple[tuple[str, ...], int], dict[int, Episodes]] = {}

    def episodes(row: Cell) -> dict[int, Episodes]:
        place = row["run_ids"], row["n_episodes"]
        if place not in kept:
            kept[place] = by_seed(row, accuracies)
        return kept[place]

    found = [compare_seeds(episodes(a), episodes(b)) for _, (a, b) in chosen]
    p_values = holm([each.p_value for each in found])
    within: Sequence[float | None] = [None] * len(found)
    if margin is not None:
        within = corrected_equivalence(found, margin)
    return tuple(
        Pair(
            column=f"{column['dataset']} {column['label']}",
            first=first["name"],
            second=second["name"],
            found=each,
            p_value=p_value,
            p_equivalent=equivalent,
            run_ids=(first["run_ids"], second["run_ids"]),
        )
        for (column, (first, second)), each, p_value, equivalent in zip(
            chosen, found, p_values, within, strict=True
        )
    )


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each cell the name of its row; the backbone is told where there are several."""
    names = pd.Series([row_names(cell)[1] for cell in frame.to_dict("records")], frame.index)
    several = len(set(frame["backbone"])) > 1
    return frame.assign(name=names + " on " + frame["backbone"] if several else names)


def _whole(frame: pd.DataFrame, runs: Sequence[TrackedRun]) -> list[bool]:
    """Which cells have all the episodes of their runs."""
    lengths = {run.run_id: run.n_episodes for run in runs}
    pairs = zip(frame["run_ids"], frame["n_episodes"], strict=True)
    return [all(lengths[run_id] == n for run_id in run_ids) for run_ids, n in pairs]


def _ordered(rows: Sequence[Cell], names: Sequence[str]) -> list[Cell]:
    """Rows of the methods in the order asked for, then others, the best first."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(rows, key=lambda r: (places.get(r["method"], len(names)), -r["mean"]))


def _pairs(rows: Sequence[Cell], names: Sequence[str], every_pair: bool) -> list[_Two]:
    return [
        (first, second)
        for first, second in combinations(rows, 2)
        if first["backbone"] == second["backbone"] and (every_pair or first["method"] == names[0])
    ]


def _longest(pairs: Sequence[tuple[Cell, _Two]]) -> list[tuple[Cell, _Two]]:
    """Leave out those whose seeds, all of them, have more episodes of the stream in common."""
    kept: set[int] = set()
    longer: dict[Hashable, list[tuple[set[int], ...]]] = defaultdict(list)
    for column, pair in sorted(pairs, key=lambda each: -each[0]["n_episodes"]):
        ordered = sorted(pair, key=lambda row: str(row["name"]))
        place = stream_of(column), *(row["name"] for row in ordered)
        mine = tuple(set(row["seeds"]) for row in ordered)
        if not any(all(map(set.issubset, mine, theirs)) for theirs in longer[place]):
            kept.add(id(pair))
            longer[place].append(mine)
    return [each for each in pairs if id(each[1]) in kept]


def _ranks(columns: Sequence[Sequence[Cell]]) -> tuple[Ranks | None, tuple[str, ...]]:
    """Rank the rows that all columns have."""
    means = [{row["name"]: row["mean"] for row in rows} for rows in columns]
    ranked = tuple(name for name in means[0] if all(name in column for column in means))
    if len(columns) < 2 or len(ranked) < 3:
        return None, ()
    scores = np.array([[column[name] for name in ranked] for column in means])
    return average_ranks(scores), ranked


def _transductive(rows: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r["name"] for r in rows if r["setting"] == "transductive"))
