"""The table itself, without a format: columns, rows of cells, and what must be said below it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import COLUMN, ROW, STREAM, cells, columns_of, latest
from fewshot_bench.report.metric import ACCURACY, Metric
from fewshot_bench.report.notes import notes_below
from fewshot_bench.report.published import published_for
from fewshot_bench.tracking.record import TrackedRun

FIXED = ("Setting", "Method", "Backbone")


@dataclass(frozen=True)
class Column:
    """A column of results: a data set and what its cells have in common."""

    dataset: str
    label: str

    def __str__(self) -> str:
        return f"{self.dataset} {self.label}"


@dataclass(frozen=True)
class Cell:
    """What stands in one place, and the runs that it comes from (none for published ones)."""

    text: str
    best: bool = False
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A method with a backbone; `cells` has one entry a column, None where nothing is known."""

    setting: str
    method: str
    backbone: str
    cells: tuple[Cell | None, ...]
    source: str = ""

    @property
    def names(self) -> tuple[str, str, str]:
        """The entries of the columns `FIXED`."""
        return self.setting, self.method, self.backbone


@dataclass(frozen=True)
class Section:
    """Rows that share columns, inductive ones first."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def groups(self) -> list[tuple[str, list[Row]]]:
        """Rows by setting."""
        return [(s, list(rows)) for s, rows in groupby(self.rows, key=lambda row: row.setting)]


@dataclass(frozen=True)
class Table:
    """Our results, perhaps published ones, the notes that go below, and what they are about."""

    title: str
    ours: Section
    published: Section | None
    notes: tuple[str, ...]


def build_table(
    runs: Sequence[TrackedRun],
    *,
    metric: Metric = ACCURACY,
    published: bool = False,
    cost: bool = False,
) -> Table:
    """Arrange runs, at least one, as a paper would.

    Args:
        runs: of any data sets and protocols; each gets columns of its own.
        metric: the number to show.
        published: add others' numbers, which are accuracies, below.
        cost: say in each cell what training and an episode took.

    Raises:
        UsageError: no run has the metric, or published numbers stand beside another one.
    """
    if published and metric is not ACCURACY:
        raise UsageError("published numbers are accuracies; leave --published or --metric out")
    every = latest(runs)
    frame = cells(every, metric)
    if frame.empty:
        raise UsageError(
            f"none of these runs has a {metric.title}: earlier versions measured none; "
            "'fsbench run --force' measures them again"
        )
    frame["text"] = [_text(cell, cost) for cell in frame.to_dict("records")]
    drops = _drops(frame)
    ours = _section(pd.concat([frame, drops]) if len(drops) else frame)
    theirs = _published(frame) if published else None
    notes = notes_below(
        frame,
        metric,
        n_lacking=len(every) - int(frame["n_seeds"].sum()),
        cost=cost,
        drops=len(drops) > 0,
        published=theirs is not None,
    )
    return Table(f"Few-shot {metric.title}", ours, theirs, tuple(notes))


def _text(cell: dict[Hashable, Any], cost: bool) -> str:
    text = f"{100 * cell['mean']:.2f}{_interval(100 * cell['ci95'])}"
    if cell["n_seeds"] > 1:
        text += f" (seeds {cell['n_seeds']}, sd {100 * cell['seed_sd']:.2f})"
    if cost:
        minutes = cell["train_seconds"] / 60
        text += f" ({f'{minutes:.1f} min, ' if minutes else ''}{cell['ms_per_episode']:.3g} ms)"
    return text


def _interval(width: float) -> str:
    """Write the half-width of an interval; not all metrics have one, nor a single episode."""
    return "" if pd.isna(width) else f" ± {width:.2f}"


def _drops(frame: pd.DataFrame) -> pd.DataFrame:
    """What imbalanced queries change, as cells: one for each that has a balanced counterpart."""
    same = [*ROW, *(fact for fact in COLUMN if fact not in ("query_balance", "episode_digest"))]
    is_balanced = frame["query_balance"] == "balanced"
    pairs = frame[~is_balanced].merge(frame[is_balanced], on=same, suffixes=("", "_balanced"))
    changes = 100 * (pairs["mean"] - pairs["mean_balanced"])
    widths = 100 * (pairs["ci95"] ** 2 + pairs["ci95_balanced"] ** 2) ** 0.5
    return pairs.assign(
        text=[f"{c:+.2f}{_interval(w)}" for c, w in zip(changes, widths, strict=True)],
        run_ids=pairs["run_ids"] + pairs["run_ids_balanced"],
        label=pairs["label"] + " less balanced" + pairs["label_balanced"].map(_stream),
        query_balance=pairs["query_balance"] + " less balanced",
        best=False,
    )[frame.columns]


def _stream(label: str) -> str:
    """The part of a column's label that says which episodes, if there are several."""
    _, comma, stream = label.partition(STREAM)
    return comma + stream


def _section(frame: pd.DataFrame) -> Section:
    """Spread cells over rows and columns: those of `cells`, with their ``text``."""
    columns = tuple(Column(c["dataset"], c["label"]) for c in columns_of(frame))
    rows = []
    for _, group in frame.groupby(ROW):
        row = group.to_dict("records")
        found = {
            Column(c["dataset"], c["label"]): Cell(c["text"], c["best"], c["run_ids"]) for c in row
        }
        name = row[0]["method"] + (f" ({row[0]['variant']})" if row[0]["variant"] else "")
        places = tuple(map(found.get, columns))
        rows.append(Row(row[0]["setting"], name, row[0]["backbone"], places))
    return Section(columns, tuple(rows))


def _published(frame: pd.DataFrame) -> Section | None:
    """Others' numbers for the data sets, ways and shots of `frame`; oldest papers first.

    They were trained on the data set that they were measured on: none stands beside cells that
    were not.
    """
    alike = frame[frame["train_dataset"] == ""]
    wanted = alike[["dataset", "n_way", "n_shot"]].drop_duplicates().to_dict("records")
    theirs = published_for((w["dataset"], w["n_way"], w["n_shot"]) for w in wanted)
    if theirs.empty:
        return None
    theirs["label"] = [
        f"{k}-shot, {n}-way" for k, n in zip(theirs["shots"], theirs["ways"], strict=True)
    ]
    facts = theirs.sort_values(["dataset", "ways", "shots"])[["dataset", "label"]]
    columns = tuple(
        Column(c["dataset"], c["label"]) for c in facts.drop_duplicates().to_dict("records")
    )
    rows = []
    for _, group in theirs.groupby(["setting", "year", "method", "backbone", "paper"]):
        row = group.to_dict("records")
        found = {Column(c["dataset"], c["label"]): Cell(_published_text(c)) for c in row}
        source = "; ".join([row[0]["paper"], *dict.fromkeys(c["source_url"] for c in row)])
        places = tuple(map(found.get, columns))
        rows.append(Row(row[0]["setting"], row[0]["method"], row[0]["backbone"], places, source))
    return Section(columns, tuple(rows))


def _published_text(fact: dict[Hashable, Any]) -> str:
    interval = f" ± {fact['ci95']}" if fact["ci95"] else ""
    return f"{fact['accuracy']}{interval}{'' if fact['confirmed'] == 'yes' else '*'}"
