"""What each format makes of a plain text, letter by letter."""

import pytest

from fewshot_bench.report import latex, markdown, webpage


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain 5-way, 1.5 a_b x&y", "plain 5-way, 1.5 a_b x&y"),
        (r"\`*[]|~$", r"\\\`\*\[\]\|\~\$"),
        ("_a_ b_", r"\_a\_ b\_"),
        ("&lt; &#60; &x", r"\&lt; \&#60; &x"),
        ("http://a www.b a@b @", r"http\://a www\.b a\@b @"),
        ("<a>", "&lt;a>"),
        ("> a > b", r"\> a > b"),
        ("# a", r"\# a"),
        ("#a", "#a"),
        ("+ a", r"\+ a"),
        ("--", r"\--"),
        ("=", r"\="),
        ("-1", "-1"),
        ("1. a", r"1\. a"),
        ("12) a", r"12\) a"),
        ("1.5", "1.5"),
        ("1.", r"1\."),
        ("  a  ", "a"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_markdown(text: str, written: str) -> None:
    assert markdown.escape(text) == written


def test_markdown_of_ours_in_a_cell() -> None:
    assert markdown.in_cell("`a` | *b* <c> [d](e)") == r"`a` \| \*b\* &lt;c> [d](e)"


def test_a_grid_has_equal_widths_and_numbers_to_the_right() -> None:
    assert markdown.grid(["a", "bcd"], [["ef", "1"], ["", "22"]], {1}) == (
        "| a  | bcd |\n| -- | --: |\n| ef |   1 |\n|    |  22 |"
    )
    assert markdown.grid(["a", "b"], []) == "| a | b |\n| - | - |"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b & 5% #1 $x$ {y}", r"a\_b \& 5\% \#1 \$x\$ \{y\}"),
        ("[*]", "{[}{*}{]}"),
        ("~^<>", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"),
        ("1 ± 2", r"1 $\pm$ 2"),
        ("a-b a--b ---", "a-b a-{}-b -{}-{}-"),
        ("\\", r"\textbackslash{}"),
    ],
)
def test_latex(text: str, written: str) -> None:
    assert latex.escape(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("https://a.b/c?d=1&e=2", '<a href="https://a.b/c?d=1&amp;e=2">a.b</a>'),
        ('http://a"b>', '<a href="http://a&quot;b&gt;">a&quot;b&gt;</a>'),
        ("A; http://b; c", 'A; <a href="http://b">b</a>; c'),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_links_of_a_page_show_their_host(text: str, written: str) -> None:
    assert webpage.linked(text) == written
