"""Runs trained on another data set than they were measured on: apart from others, and said."""

import csv
import io
from typing import Any

import pytest

from fewshot_bench.report.formats import render
from fewshot_bench.report.notes import CROSSED_NOTE
from fewshot_bench.report.published import load_published
from fewshot_bench.report.table import build_table
from tests.report.samples import tracked

CROSSED: dict[str, Any] = {
    "train_dataset": "omniglot",
    "fitted": "32x32x3 -> 28x28x1",
    "shared_classes": 2,
}


def test_they_have_a_column_of_their_own_that_always_says_so() -> None:
    alone = build_table([tracked(**CROSSED)])
    assert list(map(str, alone.ours.columns)) == ["cifar-fs 1-shot, trained on omniglot"]
    assert CROSSED_NOTE in alone.notes
    both = build_table([tracked(0, mean=0.7), tracked(1, mean=0.6, **CROSSED)])
    assert [c.label for c in both.ours.columns] == ["1-shot", "1-shot, trained on omniglot"]
    (row,) = both.ours.rows
    assert [cell.text[:5] for cell in row.cells if cell] == ["70.00", "60.00"]
    assert all(cell.best for cell in row.cells if cell)
    assert CROSSED_NOTE not in build_table([tracked(0)]).notes


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {},
            "trained and selected on omniglot tttttttttttt, images 32x32x3 -> 28x28x1 and "
            "normalised as there; 2 measured classes have names of what was trained or selected "
            "on there, and not new.",
        ),
        ({"shared_classes": 1}, "; 1 measured class has a name of what was trained or"),
        ({"fitted": "", "shared_classes": 0}, "images in their own shape and normalised as there."),
    ],
)
def test_the_note_of_the_column_says_what_was_done_and_what_to_mind(
    facts: dict[str, Any], says: str
) -> None:
    table = build_table([tracked(**{**CROSSED, **facts})])
    (note,) = [n for n in table.notes if n.startswith("cifar-fs 1-shot, trained on omniglot: ")]
    assert says in note


def test_other_images_under_the_same_name_are_another_column() -> None:
    runs = [tracked(0), tracked(1, **CROSSED), tracked(2, **CROSSED, train_checksum="u" * 64)]
    assert [c.label for c in build_table(runs).ours.columns] == [
        "1-shot",
        "1-shot, trained on omniglot, training data tttttttt",
        "1-shot, trained on omniglot, training data uuuuuuuu",
    ]


def test_the_csv_has_every_fact() -> None:
    plain, crossed = csv.DictReader(io.StringIO(render([tracked(0), tracked(1, **CROSSED)], "csv")))
    for fact, value in CROSSED.items():
        assert crossed[fact] == str(value)
    assert crossed["train_checksum"] == "t" * 64
    assert plain["train_dataset"] == plain["train_checksum"] == ""


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "csv"])
def test_published_numbers_stand_beside_what_was_trained_as_they_were(form: str) -> None:
    theirs = load_published()
    assert "Snell et al." in render([tracked()], form, published=theirs)
    assert "Snell et al." not in render([tracked(**CROSSED)], form, published=theirs)
