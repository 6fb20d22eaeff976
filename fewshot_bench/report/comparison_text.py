"""A comparison as Markdown, CSV, JSON, and as lines of a terminal's table."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from fewshot_bench.report.column_notes import note_on
from fewshot_bench.report.comparison import Comparison, Pair
from fewshot_bench.report.markdown import escape, grid
from fewshot_bench.report.notes import COMMON_NOTE, TRANSDUCTIVE_NOTE
from fewshot_bench.utilities.csv_text import csv_text

TEXTS = 3  # columns that stand to the left
SUFFIXES = {".md": "markdown", ".csv": "csv", ".json": "json"}


def headings(told: Comparison) -> list[str]:
    """Heads of the columns of `lines`."""
    seeds = ["Seeds"] if _several_seeds(told) else []
    margin = [] if told.margin is None else [f"p (± {100 * told.margin:g})"]
    numbers = ["Difference", "p (Holm)", *margin, "Better", "Equal", "Worse", "Episodes needed"]
    return ["Data", "First", "Second", *numbers, *seeds, "First is"]


def lines(told: Comparison) -> list[list[str]]:
    """One line a pair, plain texts."""
    return [_line(pair, _several_seeds(told)) for pair in told.pairs]


def notes(told: Comparison) -> list[str]:
    """What a reader must know of the numbers."""
    n = len(told.pairs)
    family = f"Holm's correction over {n} comparisons" if n > 1 else "the only comparison here"
    said = [
        "Difference: first minus second in points, on the same episodes, ± the half-width of its "
        "95 % interval (Student's t over episodes, and over training seeds where there are "
        "several).",
        f"p: that there is no difference, {family}. Better, equal, worse: episodes of the first.",
        "Episodes needed: to find a true difference of this size in 80 of 100 cases.",
    ]
    if told.common:
        said.append(COMMON_NOTE.format(told.common))
    if told.margin is not None:
        said.append(
            f"p (± {100 * told.margin:g}): that they differ by {100 * told.margin:g} points or "
            "more (two one-sided tests, corrected likewise); as good: they do not."
        )
    if _several_seeds(told):
        said.append(
            "Seeds: trainings of the first and of the second. One alone has no spread between "
            "seeds: what is said holds for that training."
        )
    if told.shortened:
        said.append("Runs of more episodes are compared on the first of them, which are the same.")
    if told.transductive:
        said.append(f"{TRANSDUCTIVE_NOTE} Transductive: {', '.join(told.transductive)}.")
    if told.ranks is not None:
        said.append(_ranks(told))
    return said + [note_on(column) for column in told.columns]


def markdown(told: Comparison) -> str:
    """Write GitHub-flavoured Markdown."""
    head, body = headings(told), lines(told)
    right = range(TEXTS, len(head) - 1)
    texts = [[*map(escape, line[:TEXTS]), *line[TEXTS:]] for line in body]  # numbers need none
    table = grid(head, texts, right)
    below = "\n".join(f"- {escape(note)}" for note in notes(told))
    return f"{table}\n\n{below}\n"


def csv(told: Comparison) -> str:
    """Write one line a pair, in full precision."""
    facts = [_facts(pair, told) for pair in told.pairs]
    joined = [{k: " ".join(v) if isinstance(v, tuple) else v for k, v in f.items()} for f in facts]
    return csv_text(pd.DataFrame(joined))


def as_json(told: Comparison) -> str:
    """Write all numbers, and average ranks if there are some."""
    ranks = told.ranks and {
        "average": dict(zip(told.ranked, told.ranks.average.tolist(), strict=True)),
        "p_value": told.ranks.p_value,
        "critical_difference": told.ranks.critical_difference,
        "columns": told.ranks.n_columns,
    }
    pairs = [_facts(pair, told) for pair in told.pairs]
    return json.dumps({"pairs": pairs, "ranks": ranks}, indent=2, ensure_ascii=False) + "\n"


FORMATS = {"markdown": markdown, "csv": csv, "json": as_json}


def p_text(p_value: float) -> str:
    """Write a p-value."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _line(pair: Pair, seeds: bool) -> list[str]:
    found = pair.found
    within = [] if pair.p_equivalent is None else [p_text(pair.p_equivalent)]
    needed = found.episodes_needed
    return [
        *(pair.column, pair.first, pair.second),
        f"{100 * found.difference:+.2f} ± {100 * found.ci95:.2f}",
        *(p_text(pair.p_value), *within),
        *map(str, (found.wins, found.ties, found.losses)),
        "-" if needed is None else f"{needed:,}",
        *(["{}, {}".format(*found.n_seeds)] if seeds else []),
        pair.verdict,
    ]


def _facts(pair: Pair, told: Comparison) -> dict[str, Any]:
    """All numbers of a pair, differences in points."""
    found = pair.found
    return {
        "column": pair.column,
        "first": pair.first,
        "second": pair.second,
        "difference": 100 * found.difference,
        "ci95": 100 * found.ci95,
        "p_value": found.p_value,
        "p_holm": pair.p_value,
        "margin": None if told.margin is None else 100 * told.margin,
        "p_equivalent_holm": pair.p_equivalent,
        "better": found.wins,
        "equal": found.ties,
        "worse": found.losses,
        "episodes": found.n_episodes,
        "deviation": 100 * found.deviation,
        "episodes_needed": found.episodes_needed,
        "first_seeds": found.n_seeds[0],
        "second_seeds": found.n_seeds[1],
        "verdict": pair.verdict,
        "first_runs": pair.run_ids[0],
        "second_runs": pair.run_ids[1],
    }


def _several_seeds(told: Comparison) -> bool:
    return any(max(pair.found.n_seeds) > 1 for pair in told.pairs)


def _ranks(told: Comparison) -> str:
    ranks = told.ranks
    assert ranks is not None
    order: Sequence[int] = ranks.average.argsort(kind="stable").tolist()
    listed = ", ".join(f"{told.ranked[i]} {ranks.average[i]:.2f}" for i in order)
    return (
        f"Average ranks over {ranks.n_columns} columns: {listed}. Those that are at least "
        f"{ranks.critical_difference:.2f} apart differ at 5 % (Nemenyi); that all are equal has "
        f"p {p_text(ranks.p_value)} (Friedman)."
    )
