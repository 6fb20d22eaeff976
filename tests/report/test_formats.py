"""Each format is read back with a parser of its own."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.formats import SUFFIXES, chosen_format, render
from fewshot_bench.report.latex import escape
from fewshot_bench.report.metric import CALIBRATION
from tests.markdown import markdown_rows
from tests.report.pages import Page, latex_numbers
from tests.report.samples import paper_like, tracked

EXPECTED = [
    ["inductive", "proto-net", "conv4-64", "55.50 ± 0.40", "72.00 ± 0.40"],
    ["transductive", "ssl-meta", "conv4-64", "69.00 ± 0.40 (seeds 3, sd 1.00)", "71.00 ± 0.40"],
]
BEST = [EXPECTED[0][4], EXPECTED[1][3]]


def test_markdown() -> None:
    text = render(paper_like(), "markdown")
    head, rule, *body = markdown_rows(text)
    assert head == ["Setting", "Method", "Backbone", "cifar-fs 1-shot", "cifar-fs 5-shot"]
    assert all(set(mark) <= {"-", ":"} for mark in rule)
    assert [[t.strip("*") for t in row] for row in body] == EXPECTED
    assert [t.strip("*") for row in body for t in row if t.startswith("**")] == BEST
    assert all(run.run_id in text for run in paper_like())
    assert len({len(line) for line in text.splitlines() if line.startswith("|")}) == 1


def test_latex() -> None:
    text = render(paper_like(), "latex")
    numbers = [(setting, method, n) for setting, method, _, *row in EXPECTED for n in row]
    assert latex_numbers(text) == Counter(numbers)
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    assert text.count(r"\textbf{") == 2
    assert text.count("{") == text.count("}")
    assert "Backbone: conv4-64." in text
    assert text.startswith("% \\usepackage{array,booktabs,tabularx}\n")
    several = render([*paper_like(), tracked(9, backbone="resnet12")], "latex")
    assert ("inductive", "proto-net", "resnet12", "60.00 ± 0.40") in latex_numbers(several)


def test_latex_escapes_what_it_would_otherwise_interpret() -> None:
    assert escape("a_b & 5% {x}~\\") == r"a\_b \& 5\% \{x\}\textasciitilde{}\textbackslash{}"


def test_html() -> None:
    page = Page(render(paper_like(), "html"))
    assert [row for row in page.rows if len(row) == 5 and row[0] != "Setting"] == EXPECTED
    assert ["Inductive"] in page.rows
    assert ["Transductive"] in page.rows
    assert page.bold == ["72.00 ± 0.40", "69.00 ± 0.40 (seeds 3, sd 1.00)"]
    assert all(any(run.run_id in title for title in page.titles) for run in paper_like())


def test_html_asks_for_nothing_and_escapes_names() -> None:
    text = render([tracked(method="<script>x</script>")], "html")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "src=" not in text
    assert "@import" not in text


def test_csv_has_one_line_a_run_with_all_facts() -> None:
    lines = list(csv.DictReader(io.StringIO(render(paper_like(), "csv"))))
    assert {line["run_id"] for line in lines} == {run.run_id for run in paper_like()}
    first = next(line for line in lines if line["method"] == "proto-net")
    run = paper_like()[0]
    assert float(first["accuracy"]) == pytest.approx(100 * run.mean)
    assert first["data_checksum"] == run.data_checksum
    assert first["episode_digest"] == run.episode_digest
    assert first["key"] == run.key
    assert first["origin"] == "run"


def test_the_format_is_chosen_by_name_or_suffix() -> None:
    assert chosen_format(None, None) == "markdown"
    assert chosen_format(None, Path("a/t.TEX")) == "latex"
    assert chosen_format("html", Path("t.txt")) == "html"
    assert chosen_format("MD", Path("t.md")) == chosen_format("md", None) == "markdown"
    assert chosen_format("tex", None) == "latex"
    with pytest.raises(UsageError, match=r"'t\.tex' is a file of latex, not of csv"):
        chosen_format("csv", Path("t.tex"))
    assert chosen_format(None, Path("t.json"), {".json": "json"}) == "json"
    with pytest.raises(UsageError, match=r"\.md, \.tex, \.html, \.csv"):
        chosen_format(None, Path("t.pdf"))
    with pytest.raises(UsageError, match="did you mean 'latex'"):
        chosen_format("latx", None)


def test_every_format_by_its_name_its_suffix_and_its_file() -> None:
    formats = {"md": "markdown", "tex": "latex", "html": "html", "csv": "csv"}
    assert {f".{suffix}": name for suffix, name in formats.items()} == SUFFIXES
    for suffix, name in formats.items():
        assert chosen_format(suffix.upper(), None) == chosen_format(name.upper(), None) == name
        assert chosen_format(None, Path(f"t.{suffix}")) == name
        assert chosen_format(name, Path(f"t.{suffix}")) == name
        assert chosen_format(name, Path("t.txt")) == name  # whatever the file is called
    begun = {form: render(paper_like(), form).lstrip("% ")[:12] for form in formats.values()}
    assert begun == {
        "markdown": "| Setting   ",
        "latex": r"\usepackage{",
        "html": "<!DOCTYPE ht",
        "csv": "origin,run_i",
    }


def test_what_a_table_is_asked_for_reaches_it() -> None:
    asked = render(paper_like(), "markdown", metric=CALIBRATION, cost=True)
    assert asked.splitlines()[2].count("| 3.00 ") + asked.splitlines()[2].count("**3.00** ") == 2
    assert "1-shot, minutes" in asked
    plain = render(paper_like(), "markdown")
    assert "minutes" not in plain
    assert "--significance" in plain
    told = render(paper_like(), "markdown", accuracies=lambda _: np.tile([0.4, 0.6], 1000))
    assert "all that are not significantly lower" in told
