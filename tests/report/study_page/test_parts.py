"""Parts of the page that frame its tables, to the letter."""

from dataclasses import replace

import pytest

from fewshot_bench.report.section import Cell, Column, Row, Section
from fewshot_bench.report.study_page.page import (
    _answer,
    _beside,
    _counted,
    _episodes,
    _figures,
    _foot,
    _head,
    _protocol,
    render,
    title_of,
)
from fewshot_bench.version import __version__
from tests.report.study_page.contents import content, run

ONE = content([run("tim", 0.7)])
TWO = content([run("tim", 0.7), run("bpa", 0.6, 2000, 1)])


def test_the_head_counts_runs_methods_and_seeds() -> None:
    asked, facts = _head(replace(ONE, summary="")).splitlines()
    assert asked.startswith("<p>How well does tim recognise")
    assert facts == (
        '<ul class="facts"><li>1 run</li><li>1 method</li><li>1 training seed</li>'
        "<li>200 episodes</li><li>2026-03-04</li></ul>"
    )
    summary, _, facts = _head(replace(TWO, summary="a<b")).splitlines()
    assert summary == '<p class="soft">a&lt;b</p>'
    assert facts == (
        '<ul class="facts"><li>2 runs</li><li>2 methods</li><li>2 training seeds</li>'
        "<li>200 episodes</li><li>2026-03-04 to 2026-03-05</li></ul>"
    )


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1234, "1,234 runs")]
)
def test_a_count_is_in_the_plural_unless_it_is_one(count: int, text: str) -> None:
    assert _counted(count, "run") == text


def test_the_title_has_the_study_and_the_data() -> None:
    assert title_of(replace(ONE, study="")) == "Few-shot methods on cifar-fs"
    assert title_of(replace(ONE, study="Mine")) == "Mine: few-shot methods on cifar-fs"


def test_the_protocol_has_notes_and_the_facts_of_each_data_set() -> None:
    told = replace(ONE, notes=["a<b", "c"], data={"x": {"k": "v"}, "y": {}})
    assert _protocol(told) == (
        '<ul class="notes"><li>a&lt;b</li><li>c</li></ul>\n'
        "<h3>x</h3>\n<dl><div><dt>k</dt><dd>v</dd></div></dl>\n<h3>y</h3>\n<dl></dl>"
    )


def test_the_foot_has_version_and_command() -> None:
    assert _foot(replace(ONE, command="fsbench <x>")) == (
        f"<footer><p>Written by fewshot_bench {__version__}:</p>\n"
        '<pre class="command" tabindex="0"><code>fsbench &lt;x&gt;</code></pre>\n'
        "<p>Tables by DataTables 3.1.5, © SpryMedia Ltd, MIT licence.</p></footer>"
    )


def test_what_there_is_none_of_has_no_part() -> None:
    bare = replace(ONE, figures=(), episodes=(), no_episodes="none & why", beside=None)
    assert _figures(bare) == _beside(bare) == ""
    assert _episodes(bare) == "<p>none &amp; why</p>"
    assert _figures(ONE).startswith('<div class="figures"><figure')


def test_published_numbers_are_explained_and_shown() -> None:
    row = Row("inductive", "tim", "conv4-64", (Cell("60.00"),), "TIM", "x", "y")
    section = Section((Column("fc100", "1-shot"),), (row,), published=True)
    words, table = _beside(replace(ONE, beside=section)).split("\n", 1)
    assert words.startswith("<p>Published numbers were measured by others, on episodes and with")
    assert words.endswith("* was not checked again in its source.</p>")
    assert '<table id="published"' in table


def test_each_part_has_a_link_and_a_head_and_what_is_not_there_has_none() -> None:
    row = Row("inductive", "tim", "conv4-64", (Cell("60.00"),), "TIM", "x", "y")
    section = Section((Column("fc100", "1-shot"),), (row,), published=True)
    page = render(replace(ONE, beside=section))
    names = {
        "answer": "Answer",
        "figures": "Figures",
        "tables": "Tables",
        "beside": "Published",
        "episodes": "Episodes",
        "cells": "Every cell",
        "protocol": "Protocol",
    }
    links = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text in names.items())
    assert f'<nav aria-label="Sections"><ul>{links}</ul></nav>' in page
    for name, text in names.items():
        head = (
            f'<section id="{name}" aria-labelledby="{name}-head">\n<h2 id="{name}-head">{text}</h2>'
        )
        assert head in page
    assert "Published" not in render(replace(ONE, beside=None)).partition("<main>")[0]


def test_the_answer_is_a_list_with_its_protocols() -> None:
    runs = [run("tim", 0.7), run("bpa", 0.6, 1), run("tim", 0.7, 2, n_shot=5)]
    first, note = _answer(content(runs)).splitlines()
    assert first.startswith('<ul class="answer"><li><span class="soft">cifar-fs, 5-way, 1 shot')
    assert first.endswith("</li></ul>")
    assert '.</li><li><span class="soft">cifar-fs, 5-way, 5 shots</span>tim reaches' in first
    assert note.startswith('<p class="note">Differences are paired')
