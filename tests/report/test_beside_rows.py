"""Rows of ours and of others, joined: each cell, each text, and the order of all."""

from typing import Any

import pytest

from fewshot_bench.report.beside import _ENTRY, _text
from fewshot_bench.report.section import Cell, Column, Section
from fewshot_bench.report.table import build_table
from tests.report.samples import tracked
from tests.report.test_beside import PRETRAINED, THEIRS, published


def joined(runs: list[dict[str, Any]], *theirs: dict[str, Any]) -> Section:
    given = [tracked(i, **PRETRAINED, **facts) for i, facts in enumerate(runs)]
    return build_table(given, published=published(*theirs)).ours


def texts(section: Section) -> list[list[str]]:
    return [[cell.text if cell else "" for cell in row.cells] for row in section.rows]


def test_each_of_several_published_rows_has_a_row_of_ours() -> None:
    section = joined([{}], {}, {"published_as": "Again", "accuracy": "61.0", "ci95": ""})
    assert [row.published_as for row in section.rows] == ["Again", "Prototypical Net"]
    assert texts(section) == [
        ["60.00 ± 0.40", "61.0", "-1.00"],
        ["60.00 ± 0.40", "55.5 ± 0.7", "+4.50"],
    ]
    marks = [(cell.best, bool(cell.run_ids)) for row in section.rows for cell in row.cells if cell]
    assert marks == [(True, True), (False, False), (False, False)] * 2


def test_rows_of_one_entry_are_those_that_differ_in_numbers_alone() -> None:
    fives = {"shots": 5, "accuracy": "70.0", "source_url": "https://example.org/other"}
    section = joined([{}, {"n_shot": 5}], {}, fives)
    (row,) = section.rows
    assert texts(section) == [
        ["60.00 ± 0.40", "55.5 ± 0.7", "+4.50", "60.00 ± 0.40", "70.0 ± 0.7", "-10.00"]
    ]
    assert row.source == (
        "Snell et al., NeurIPS 2017; https://example.org/snell; https://example.org/other"
    )


@pytest.mark.parametrize("fact", _ENTRY)
def test_what_differs_otherwise_is_another_entry(fact: str) -> None:
    other = {
        "setting": "transductive",
        "year": 2018,
        "query_balance": "random",
        "backbone": "conv4-64 conv4-32",
        "settings": "n_steps=3",
        "method": "",
    }
    section = joined([{}], {}, {fact: other.get(fact, "another"), "accuracy": "50"})
    assert [row[1] for row in texts(section)].count("50 ± 0.7") == 1
    assert [row[1] for row in texts(section)].count("55.5 ± 0.7") == 1


def test_what_we_have_no_run_of_is_named_as_theirs_and_stands_with_its_setting() -> None:
    alone = {"method": "tim", "network": "Big Net", "setting": "transductive", "accuracy": "80"}
    maml = {"method": "maml", "network": "Net", "confirmed": "no"}
    section = joined(
        [{"method": "anil"}, {"method": "soft-k-means", "setting": "transductive"}], alone, maml
    )
    assert [row.names for row in section.rows] == [
        ("inductive", "anil", "conv4-64"),
        ("inductive", "maml", "Net"),
        ("transductive", "soft-k-means", "conv4-64"),
        ("transductive", "tim", "Big Net"),
    ]
    assert [(row.differs, bool(row.source)) for row in section.rows] == [
        *(("", False), ("", True), ("", False), ("", True))
    ]
    assert texts(section) == [
        ["60.00 ± 0.40", "", ""],
        ["", "55.5 ± 0.7*", ""],
        ["60.00 ± 0.40", "", ""],
        ["", "80 ± 0.7", ""],
    ]
    assert section.published


def test_columns_without_a_published_number_have_none_beside_them() -> None:
    section = joined([{}, {"n_shot": 5}, {"n_way": 20}], {})
    labels = ["1-shot, 5-way", "1-shot, 5-way, published", "1-shot, 5-way, difference"]
    assert section.columns == tuple(
        Column("cifar-fs", label) for label in [*labels, "5-shot, 5-way", "1-shot, 20-way"]
    )
    (row,) = section.rows
    assert row.cells[1:3] == (Cell("55.5 ± 0.7"), Cell("+4.50"))
    assert [cell is not None for cell in row.cells] == [True] * 5


def test_settings_that_theirs_asks_for_choose_the_row() -> None:
    steps = [{"recipe": {**PRETRAINED["recipe"], "n_steps": n}} for n in ("3", "0")]
    runs = [tracked(i, mean=0.5 + i / 10, **facts) for i, facts in enumerate(steps)]
    section = build_table(runs, published=published({"settings": "n_steps=0"})).ours
    assert [(row.method, row.published_as) for row in section.rows] == [
        *(("proto-net (n_steps=0)", "Prototypical Net"), ("proto-net (n_steps=3)", ""))
    ]
    assert texts(section) == [["60.00 ± 0.40", "55.5 ± 0.7", "+4.50"], ["50.00 ± 0.40", "", ""]]


def test_words_that_hold_everywhere_are_said_once() -> None:
    runs = [{"n_shot": k} for k in (1, 2, 5)]
    section = joined(
        runs,
        *({"shots": k, "queries": "9", "episodes": e} for k, e in ((1, "6"), (2, "6"), (5, "7"))),
    )
    (row,) = section.rows
    assert row.differs == "9 queries a class; 6 episodes (1-shot, 2-shot); 7 episodes (5-shot)"


def test_a_number_of_theirs() -> None:
    changes: list[dict[Any, Any]] = [
        {},
        {"ci95": ""},
        {"confirmed": "no"},
        {"confirmed": "memory", "ci95": ""},
    ]
    assert [_text({**dict[Any, Any](THEIRS), **change}) for change in changes] == [
        *("55.5 ± 0.7", "55.5", "55.5 ± 0.7*", "55.5*")
    ]
