"""Tables of the page, entry by entry."""

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from fewshot_bench.report.section import Cell, Column, Row, Section
from fewshot_bench.report.study_page.tables import (
    Head,
    cell,
    column_names,
    differences_table,
    method_cell,
    published_table,
    results_table,
    runs_table,
    setting_cell,
    table,
)
from fewshot_bench.report.study_page.verdicts import Verdict
from tests.exchange.measurements import measured
from tests.report.study_page.test_sentences import rival
from tests.report.test_comparison_text import FOUND

LATER: dict[Any, Any] = {"label": "5-shot", "dataset": "fc100"}
TIE = '<span class="tie" title="not significantly worse than the best">=</span>'
NONE = '<td class="num" data-order="-1000000000.0"></td>'


def made(method: str, mean: float, *rest: Any, **facts: Any) -> Any:
    return rival(method, mean, *rest, **{"n_seeds": 1, "run_ids": (method,), **facts})


BEST = made("tim", 0.75, setting="transductive", variant="a<b", ci95=0.0125)
CLOSE = made("anil", 0.5, 0.05, 0.25, n_seeds=3, ci95=math.nan)
WORSE = made("maml", 0.25, 0.0004, 0.0, n_seeds=2)
ALONE = made("anil", 0.5, None, backbone="resnet12", run_ids=("other",))
FIRST = Verdict({"dataset": "fc100", "label": "1-shot, x"}, (BEST, CLOSE, WORSE), told=True)
SECOND = Verdict(LATER, (ALONE,), told=False)
ANCHORS: dict[tuple[str, ...], str] = {
    (name,): f"c-{name}" for name in ("tim", "anil", "maml", "other")
}


def entries(html: str) -> list[list[str]]:
    """Entries of each row, as they are written."""
    body = html.partition("<tbody>\n")[2].partition("\n</tbody>")[0]
    return [re.findall(r"<t[hd].*?</t[hd]>", line) for line in body.splitlines()]


def heads(html: str) -> list[str]:
    return re.findall(r"<th scope=\"col\".*?</th>", html)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"text": "a<b"}, "<td>a&lt;b</td>"),
        ({"text": "a", "kind": "x"}, '<td class="x">a</td>'),
        ({"text": "1", "order": 1.5}, '<td class="num" data-order="1.5">1</td>'),
        ({"text": "1", "order": 0, "kind": "x"}, '<td class="num x" data-order="0">1</td>'),
        ({"text": "-", "order": math.nan},
         '<td class="num" data-order="-1000000000.0">-</td>'),
        ({"text": "a", "html": "<b>c</b>"}, "<td><b>c</b></td>"),
    ],
)  # fmt: skip
def test_an_entry(given: dict[str, Any], written: str) -> None:
    assert cell(**given) == written


def test_a_table() -> None:
    columns = [Head("A"), Head("B, c", number=True, chosen=True), Head("D", chosen=True)]
    assert Head("A") == Head("A", number=False, chosen=False)
    rows = [[cell("x"), cell("1", 1.0), cell("y")], [cell("z", kind="k"), cell("<td"), cell("")]]
    assert table("name", "A & B", columns, rows) == (
        '<div class="scroll" tabindex="0" role="region" aria-label="A &amp; B">\n'
        '<table id="name" class="sortable" data-choose="1 2">\n<caption>A &amp; B</caption>\n'
        '<thead><tr><th scope="col">A</th><th scope="col" class=num>B,<br>c</th>'
        '<th scope="col">D</th></tr></thead>\n<tbody>\n'
        '<tr><th scope="row">x</th><td class="num" data-order="1.0">1</td><td>y</td></tr>\n'
        '<tr><th scope="row" class="k">z</th><td>&lt;td</td><td></td></tr>\n'
        "</tbody></table></div>"
    )


def test_names_of_methods_settings_and_columns() -> None:
    assert method_cell(BEST.cell) == (
        '<td><i class="dot transductive"></i>tim <small>a&lt;b</small></td>'
    )
    assert method_cell(CLOSE.cell) == '<td><i class="dot inductive"></i>anil</td>'
    assert setting_cell("a<b") == '<td><span class="mark a&lt;b">a&lt;b</span></td>'
    assert column_names([FIRST, SECOND]) == ["1-shot, x", "5-shot"]
    other = Verdict({**LATER, "dataset": "cub"}, (ALONE,), told=True)
    assert column_names([FIRST, other]) == ["fc100, 1-shot, x", "cub, 5-shot"]


def test_results() -> None:
    html = results_table([FIRST, SECOND], ANCHORS)
    assert html.startswith('<div class="scroll" tabindex="0" role="region" aria-label="Accuracy in')
    assert '<table id="accuracy" class="sortable" data-choose="3 4">' in html
    assert heads(html) == [
        *('<th scope="col">Method</th>', '<th scope="col" class=num>1-shot,<br>x</th>'),
        *('<th scope="col" class=num>5-shot</th>', '<th scope="col">Setting</th>'),
        '<th scope="col">Backbone</th>',
    ]
    rows = entries(html)
    best, close, worse, alone = rows
    assert best[1] == (
        '<td class="num best" data-order="75.0"><a href="#c-tim"><strong>75.00</strong>'
        "<small> ± 1.25</small></a></td>"
    )
    assert best[2] == '<td class="num none" data-order="-1000000000.0">-</td>'
    assert best[3:] == [setting_cell("transductive"), cell("conv4-64")]
    assert close[1] == (
        f'<td class="num level" data-order="50.0"><a href="#c-anil">50.00{TIE}'
        "<small> 3 seeds</small></a></td>"
    )
    assert worse[1] == (
        '<td class="num" data-order="25.0"><a href="#c-maml">25.00<small> ± 0.40</small>'
        "<small> 2 seeds</small></a></td>"
    )
    assert alone[0] == '<th scope="row"><i class="dot inductive"></i>anil</th>'
    assert alone[2].startswith('<td class="num best" data-order="50.0"><a href="#c-other"><strong>')
    assert alone[3:] == [setting_cell("inductive"), cell("resnet12")]


def test_differences() -> None:
    html = differences_table([FIRST, SECOND])
    assert '<table id="differences" class="sortable" data-choose="1">' in html
    names = [re.sub("<.*?>", "", head) for head in heads(html)]
    assert names == [
        *("Method", "Protocol", "Accuracy", "Behind the best", "p (Holm)", "Better", "Equal"),
        *("Worse", "Episodes needed"),
    ]
    assert [" class=num" in head for head in heads(html)] == [False] * 2 + [True] * 7
    best, close, worse = entries(html)
    assert best[1:] == [
        '<td class="short">1-shot, x</td>',
        cell("75.00", 75.0),
        cell("the best", 0.0, "best"),
        *[NONE] * 5,
    ]
    counts = [cell("10", 10.0), cell("20", 20.0), cell("30", 30.0)]
    assert close[2:] == [
        cell("50.00", 50.0),
        cell("25.00 ± 0.50", 25.0, "level"),
        cell("0.050", 0.05),
        *counts,
        cell("10", 10),
    ]
    assert worse[2:] == [
        *(cell("25.00", 25.0), cell("0.00 ± 0.50", 0.0), cell("< 0.001", 0.0004), *counts),
        cell("-", math.nan),
    ]


def test_counts_have_their_thousands_set_apart() -> None:
    many = replace(FOUND, wins=1234, ties=5678, losses=9012)
    rivals = (BEST, replace(CLOSE, behind=many))
    _, close = entries(differences_table([Verdict(LATER, rivals, told=True)]))
    assert close[5:8] == [cell("9,012", 9012.0), cell("5,678", 5678.0), cell("1,234", 1234.0)]


def test_runs() -> None:
    run = measured(
        *([30, 45], 3, {"n_shot": 5, "seed": 2, "query_balance": "dirichlet:2"}),
        run_id="0123456789",
        calibration_error=math.nan,
        train_seconds=90.0,
        pretrain_seconds=0.0,
        episode_seconds=0.0012345,
        peak_memory_mb=300.4,
    )
    html = runs_table([run], {"0123456789": "c-1"})
    assert '<table id="runs" class="sortable" data-choose="0 2 3 4">' in html
    names = [re.sub("<.*?>", "", head) for head in heads(html)]
    assert names == [
        *("Method", "Run", "Data", "Shots", "Queries", "Seed", "Accuracy", "Macro-F1"),
        *("Calibration,error", "Pretraining,min", "Training,min", "ms an episode", "Memory,MB"),
    ]
    numbers = [" class=num" in head for head in heads(html)]
    assert numbers == [False, False, False, True, False] + [True] * 8
    assert entries(html) == [
        [
            '<th scope="row">tim</th>',
            '<td><a href="#c-1"><code>01234567</code></a></td>',
            *(cell("glyphs"), cell("5", 5), cell("dirichlet:2"), cell("2", 2)),
            *(cell("50.00", 50.0), cell("50.00", 50.0), cell("-", math.nan)),
            *(cell("0", 0.0), cell("1.5", 1.5), cell("1.23", 1.2345), cell("300", 300.4)),
        ]
    ]


def test_published_numbers() -> None:
    columns = (Column("fc100", "1-shot"), Column("fc100", "1-shot, published"))
    cells = (None, Cell("55.5* ± 0.7"))
    row = Row("inductive", "anil", "conv4-64", cells, "ANIL", "? queries", "A; https://b.org/c")
    html = published_table(Section(columns, (row,), published=True))
    assert '<table id="published" class="sortable" data-choose="2">' in html
    names = [re.sub("<.*?>", "", head) for head in heads(html)]
    assert names == [
        *("Published as", "Method", "Setting", "Backbone", "1-shot", "1-shot,published"),
        *("Differs", "Source"),
    ]
    assert [" class=num" in head for head in heads(html)] == [False] * 4 + [True] * 2 + [False] * 2
    assert entries(html) == [
        [
            *('<th scope="row">ANIL</th>', cell("anil"), setting_cell("inductive")),
            cell("conv4-64"),
            cell("-", math.nan, "none"),
            cell("55.5* ± 0.7", 55.5),
            '<td class="source">? queries</td>',
            '<td class="source">A; <a href="https://b.org/c">b.org</a></td>',
        ]
    ]
    two = (Column("fc100", "1-shot"), Column("cub", "1-shot"))
    assert "cub 1-shot" in published_table(Section(two, (row,), published=True))
