"""A comparison in each format, to the letter."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np

from fewshot_bench.report.comparison import Comparison, Pair
from fewshot_bench.report.comparison_text import (
    FORMATS,
    SUFFIXES,
    as_json,
    headings,
    lines,
    markdown,
    notes,
    p_text,
)
from fewshot_bench.report.comparison_text import csv as as_csv
from fewshot_bench.report.notes import TRANSDUCTIVE_NOTE
from fewshot_bench.statistics.estimate import Estimate
from fewshot_bench.statistics.paired import PairedComparison
from fewshot_bench.statistics.ranks import Ranks

FOUND = PairedComparison(
    difference=0.0125,
    ci95=0.005,
    p_value=0.0004,
    wins=30,
    ties=20,
    losses=10,
    deviation=0.25,
    n_seeds=(1, 1),
    estimate=Estimate.__new__(Estimate),
)
PAIR = Pair(
    column="fc100 1-shot",
    first="tim (n_steps=3)",
    second="a|b",
    found=FOUND,
    p_value=0.0012,
    p_equivalent=None,
    run_ids=(("r1", "r2"), ("r3",)),
)
COLUMN: dict[Any, Any] = {
    "dataset": "fc100",
    "label": "1-shot",
    "n_way": 5,
    "n_shot": 1,
    "n_query": 15,
    "query_balance": "balanced",
    "n_query_way": 0,
    "n_episodes": 60,
    "split": "test",
    "episode_digest": "e" * 64,
    "data_checksum": "d" * 64,
    "train_dataset": "",
}
PLAIN = Comparison(
    *((PAIR,), (COLUMN,)),
    margin=None,
    common="",
    transductive=(),
    shortened=False,
    ranks=None,
    ranked=(),
)
NOTE = (
    "fc100 1-shot: 5-way 1-shot, 15 queries a class (balanced), 60 test episodes eeeeeeeeeeee, "
    "data dddddddddddd."
)
SAID = [
    "Difference: first minus second in points, on the same episodes, ± the half-width of its 95 % "
    "interval (Student's t over episodes, and over training seeds where there are several).",
    "p: that there is no difference, the only comparison here. Better, equal, worse: episodes of "
    "the first.",
    "Episodes needed: to find a true difference of this size in 80 of 100 cases.",
]
RANKS = Ranks(np.array([2.0, 1.25, 2.75]), 0.0004, 1.234, 4)
EQUAL = replace(FOUND, difference=0.0, n_seeds=(1, 2))
FULL = Comparison(
    (
        replace(PAIR, p_equivalent=0.03),
        replace(PAIR, found=EQUAL, p_value=0.9, p_equivalent=0.04321),
    ),
    (COLUMN,),
    margin=0.015,
    common="lr=1, n_steps=3",
    transductive=("tim", "pt-map"),
    shortened=True,
    ranks=RANKS,
    ranked=("r2d2", "tim", "maml"),
)


def test_markdown_of_one_pair() -> None:
    told = "".join(f"- {note}\n" for note in [*SAID, NOTE])
    assert markdown(PLAIN) == (
        "| Data         | First           | Second |   Difference | p (Holm) | Better | Equal |"
        " Worse | Episodes needed | First is |\n"
        "| ------------ | --------------- | ------ | -----------: | -------: | -----: | ----: |"
        " ----: | --------------: | -------- |\n"
        "| fc100 1-shot | tim (n_steps=3) | a\\|b   | +1.25 ± 0.50 |    0.001 |     30 |    20 |"
        f"    10 |           3,142 | better   |\n\n{told}"
    )


def test_all_columns_where_all_is_asked_for() -> None:
    numbers = ["Difference", "p (Holm)", "p (± 1.5)", "Better", "Equal", "Worse", "Episodes needed"]
    assert headings(FULL) == ["Data", "First", "Second", *numbers, "Seeds", "First is"]
    names, counts = ["fc100 1-shot", "tim (n_steps=3)", "a|b"], ["30", "20", "10"]
    within = "better, within the margin"
    assert lines(FULL) == [
        [*names, "+1.25 ± 0.50", "0.001", "0.030", *counts, "3,142", "1, 1", within],
        [*names, "+0.00 ± 0.50", "0.900", "0.043", *counts, "-", "1, 2", "as good"],
    ]


def test_notes_where_all_is_asked_for() -> None:
    corrected = SAID[1].replace("the only comparison here", "Holm's correction over 2 comparisons")
    assert notes(PLAIN) == [*SAID, NOTE]
    assert notes(FULL) == [
        SAID[0],
        corrected,
        SAID[2],
        "All rows are with lr=1, n_steps=3.",
        "p (± 1.5): that they differ by 1.5 points or more (two one-sided tests, corrected "
        "likewise); as good: they do not.",
        "Seeds: trainings of the first and of the second. One alone has no spread between seeds: "
        "what is said holds for that training.",
        "Runs of more episodes are compared on the first of them, which are the same.",
        f"{TRANSDUCTIVE_NOTE} Transductive: tim, pt-map.",
        "Average ranks over 4 columns: tim 1.25, r2d2 2.00, maml 2.75. Those that are at least "
        "1.23 apart differ at 5 % (Nemenyi); that all are equal has p < 0.001 (Friedman).",
        NOTE,
    ]


FACTS = {
    "column": "fc100 1-shot",
    "first": "tim (n_steps=3)",
    "second": "a|b",
    "difference": 1.25,
    "ci95": 0.5,
    "p_value": 0.0004,
    "p_holm": 0.0012,
    "margin": 1.5,
    "p_equivalent_holm": 0.03,
    "better": 30,
    "equal": 20,
    "worse": 10,
    "episodes": 60,
    "deviation": 25.0,
    "episodes_needed": 3142,
    "first_seeds": 1,
    "second_seeds": 1,
    "verdict": "better, within the margin",
    "first_runs": ["r1", "r2"],
    "second_runs": ["r3"],
}
SECOND = {
    "difference": 0.0,
    "p_holm": 0.9,
    "p_equivalent_holm": 0.04321,
    "episodes_needed": None,
    "second_seeds": 2,
    "verdict": "as good",
}


def test_json() -> None:
    text = as_json(FULL)
    assert text.startswith('{\n  "pairs": [\n    {\n      "column": "fc100 1-shot",\n')
    assert text.endswith("\n}\n")
    assert json.loads(text) == {
        "pairs": [FACTS, FACTS | SECOND],
        "ranks": {
            "average": {"r2d2": 2.0, "tim": 1.25, "maml": 2.75},
            "p_value": 0.0004,
            "critical_difference": 1.234,
            "columns": 4,
        },
    }
    alone = {**FACTS, "margin": None, "p_equivalent_holm": None, "verdict": "better"}
    assert json.loads(as_json(PLAIN)) == {"pairs": [alone], "ranks": None}
    assert '"first": "naïf"' in as_json(replace(PLAIN, pairs=(replace(PAIR, first="naïf"),)))


def test_csv() -> None:
    first, second = csv.DictReader(io.StringIO(as_csv(FULL)))
    told = {key: str(value) for key, value in FACTS.items()}
    told |= {"first_runs": "r1 r2", "second_runs": "r3", "episodes_needed": "3142.0"}
    assert first == told
    assert {key: second[key] for key in SECOND} == {
        **{key: str(value) for key, value in SECOND.items()},
        "episodes_needed": "",
    }


def test_formats_and_their_suffixes() -> None:
    written = {suffix: FORMATS[name](PLAIN) for suffix, name in SUFFIXES.items()}
    assert written == {".md": markdown(PLAIN), ".csv": as_csv(PLAIN), ".json": as_json(PLAIN)}


def test_small_p_values_are_bounds() -> None:
    assert [p_text(p) for p in (0.0, 0.00099, 0.001, 0.0455, 1.0)] == [
        *("< 0.001", "< 0.001", "0.001", "0.045", "1.000")
    ]


def test_verdicts() -> None:
    def verdict(p: float, within: float | None, difference: float = 0.01) -> str:
        found = replace(FOUND, difference=difference)
        return replace(PAIR, p_value=p, p_equivalent=within, found=found).verdict

    assert verdict(0.05, None) == verdict(0.05, 0.05) == "not told apart"
    assert verdict(0.05, 0.049) == "as good"
    assert verdict(0.049, None) == verdict(0.049, 0.05) == "better"
    assert verdict(0.049, None, -0.01) == "worse"
    assert verdict(0.049, 0.049, -0.01) == "worse, within the margin"
