"""Whatever a store holds in whatever field of a run: a report shows it, and does nothing else."""

import csv
import io
import re
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fewshot_bench.report import latex, markdown, spreadsheet, webpage
from fewshot_bench.report.section import Cell, Table
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.printing import printable
from tests.report.pages import Document, Page, latex_numbers
from tests.report.samples import tracked

MARKUP = [
    "</td><script>alert(1)</script>",
    "a\n\\end{tabular}\\input{/etc/passwd}",
    "|x|\n\n# head",
    "[a](javascript:b) ![c](http://d/e.png) <http://f>",
    "*a* _b_ `c` ~~d~~ **e** &lt; &#60; \\| \\",
    "=cmd|' /C calc'!A0",
    "+1",
    "@SUM(1)",
    '"><img src=x onerror=y>',
    "\x1b[2J\u202e\r\x00",
    "1. x",
    "- x",
    "> x",
    "---",
    "```",
    "%$#&{}^~",
    "www.evil.org http://evil.org a@evil.org",
    "trained on a, val split",
    "[*]",
]
TEXTS = st.text(max_size=12) | st.sampled_from(MARKUP) | st.text("|*_[]()<>`~\\&#=-+@!$%{}^ a1\n")
NAMES = (
    *("method", "backbone", "dataset", "train_dataset", "data_checksum", "train_checksum"),
    *("episode_digest", "preset", "fitted", "version", "key", "weights"),
)
FACTS: dict[str, Any] = dict.fromkeys(NAMES, TEXTS)
FACTS["settings"] = st.lists(TEXTS, max_size=2).map(tuple)
FACTS["recipe"] = st.dictionaries(TEXTS, TEXTS, max_size=2)
RUNS = st.lists(st.fixed_dictionaries({}, optional=FACTS), min_size=1, max_size=4)
EVERYWHERE = [
    [dict.fromkeys(NAMES, text) for text in MARKUP[:10]],
    [dict.fromkeys(NAMES, text) for text in MARKUP[10:]],
    [{"settings": (text,), "recipe": {text: text}} for text in MARKUP],
]


def made(facts: list[dict[str, Any]]) -> list[TrackedRun]:
    runs = [tracked(i, **values) for i, values in enumerate(facts)]
    return [replace(run, run_id=f"{run.method}{i}") for i, run in enumerate(runs)]


def cells_of(table: Table) -> list[Cell]:
    return [cell for row in table.ours.rows for cell in row.cells if cell]


def expected(table: Table) -> list[list[str]]:
    """Texts of the rows of a table: names, then numbers."""
    return [
        [printable(name) for name in row.names] + [c.text if c else "-" for c in row.cells]
        for row in table.ours.rows
    ]


@settings(max_examples=15)
@given(RUNS)
@example(EVERYWHERE[0])
@example(EVERYWHERE[1])
@example(EVERYWHERE[2])
def test_texts_of_runs_are_texts_in_every_format(facts: list[dict[str, Any]]) -> None:
    runs = made(facts)
    table = build_table(runs)
    check_html(table, Page(webpage.render(table)))
    check_markdown(table, markdown.render(table))
    check_latex(table, latex.render(table))
    check_csv({run.run_id: run for run in runs}, spreadsheet.render(runs))


def check_html(table: Table, page: Page) -> None:
    wide = 3 + len(table.ours.columns)
    rows = [
        row for row in page.rows if len(row) == wide and row[0] in ("inductive", "transductive")
    ]
    assert rows == expected(table)
    assert [note.rstrip("\n") for note in page.notes] == [printable(note) for note in table.notes]
    assert page.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "div", "table", "thead"),
        *("tbody", "tr", "th", "td", "br", "strong", "small", "ul", "li"),
    }
    named = cells_of(table)
    assert len(page.titles) == len(named)
    pairs = zip(named, page.titles, strict=True)
    assert all(printable(i) in title for cell, title in pairs for i in cell.run_ids)


def check_markdown(table: Table, text: str) -> None:
    page = Document(text)
    head, *rows = page.rows
    assert rows == [[text.strip() for text in row] for row in expected(table)]
    assert head[3:] == [printable(str(column)).strip() for column in table.ours.columns]
    assert page.marks <= {"strong_open", "strong_close"}
    assert page.notes[: len(table.notes)] == [printable(note).strip() for note in table.notes]
    assert len(page.notes) == len(table.notes) + len(cells_of(table))
    assert not page.blocks & {"heading_open", "fence", "code_block", "hr", "blockquote_open"}
    assert not re.search(r"(?<!\\)https?://|(?<![\\\w])www\.", text)  # GitHub makes links of these


def check_latex(table: Table, text: str) -> None:
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert text.count("\n") == len(text.splitlines())
    several = len({row.backbone for row in table.ours.rows}) > 1
    names = [row.names[: 2 + several] for row in table.ours.rows]
    rows = zip(names, table.ours.rows, strict=True)
    spelt = Counter(
        (*(printable(part).strip() for part in name), cell.text)
        for name, row in rows
        for cell in filter(None, row.cells)
    )
    assert latex_numbers(text) == spelt
    begun = [line for line in lines if line.startswith(r"\begin")]
    assert len([line for line in lines if line.startswith(r"\end")]) == len(begun)
    written = "\n".join(lines)
    assert r"\input" not in written
    assert not re.search(r"\\\\\s*[\[*]", written)  # would be an option of the end of a line


def check_csv(runs: dict[str, TrackedRun], text: str) -> None:
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert lines
    for line in lines:
        assert None not in line
        run = runs[line["run_id"].removeprefix("'")]
        for name in NAMES:
            text = getattr(run, name)
            assert line[name] == (f"'{text}" if text.startswith(tuple("=+-@\t\r\n")) else text)
        assert float(line["accuracy"]) == 100 * run.mean
