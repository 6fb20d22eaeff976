"""How a table is spread over the width and the height of a page; lengths in em."""

import pytest

from fewshot_bench.report.latex import (
    _breakable,
    _groups,
    _lines,
    _lines_of_differences,
    _pages,
    _panels,
    _width,
    render,
)
from fewshot_bench.report.section import Cell, Column, Row, Section, Table


def section(*columns: Column, rows: int = 1, text: str = "55.50 ± 0.40", **facts: bool) -> Section:
    cells = tuple(Cell(text) for _ in columns)
    named = (Row("inductive", f"m{i}", "conv4-64", cells) for i in range(rows))
    return Section(columns, tuple(named), **facts)


def shots(*numbers: int, words: str = "", cost: bool = False) -> list[Column]:
    return [Column("fc100", f"{n}-shot{words}", cost) for n in numbers]


def row(method: str = "tim", *cells: Cell | None, **facts: str) -> Row:
    return Row("inductive", method, "conv4-64", cells, **facts)


def places(table: Section) -> list[tuple[int, ...]]:
    return [panel.places for panel in _panels(table)]


def test_columns_fill_a_line_before_the_next_table() -> None:
    """A line has 38, a gap 0.8, a name 11: 26.2 are left, of which three columns of 6.8 fit."""
    assert places(section(*shots(1, 2, 3, 5))) == [(0, 1, 2), (3,)]
    assert places(section(*shots(1, 2, 3, 5, 7, 9, 10))) == [(0, 1, 2), (3, 4, 5), (6,)]
    assert [panel.widths for panel in _panels(section(*shots(1, 5)))] == [(6.0, 6.0)]


def test_a_column_of_networks_and_published_names_take_of_it() -> None:
    """Beside 11 + 7.3 there is room for 18.9; beside 17 for 20.2."""
    three = shots(1, 2, 3)
    networks = (
        *section(*three).rows,
        Row("inductive", "m", "resnet12", section(*three).rows[0].cells),
    )
    assert places(Section(tuple(three), networks)) == [(0, 1), (2,)]
    assert places(section(*three, published=True)) == [(0, 1), (2,)]
    narrow = section(*three, text="55.50 ± 0.", published=True)  # three of 5.8 fit in 20.2 alone
    assert places(narrow) == [(0, 1, 2)]
    assert places(Section(tuple(three), networks, published=True)) == [(0, 1), (2,)]


def test_costs_begin_a_table() -> None:
    both = section(*shots(1), *shots(1, words=", ms", cost=True), *shots(5, cost=True))
    assert places(both) == [(0,), (1, 2)]


def test_published_numbers_stay_with_ours() -> None:
    labels = ("1-shot", "1-shot, published", "1-shot, difference", "5-shot", "1-shot, published")
    columns = [*(Column("fc100", label) for label in labels), Column("cifar-fs", "5-shot")]
    foreign = Column("omniglot", "5-shot, published")
    assert _groups(section(*columns, foreign)) == [(0, 1, 2), (3,), (4,), (5,), (6,)]


@pytest.mark.parametrize(
    ("column", "cell", "width"),
    [
        (Column("fc100", "1-shot"), None, 3.0),  # six letters of a half
        (Column("cifar-fs", "1-shot"), None, 3.0),  # a data set is broken at its hyphens
        (Column("omniglot", "1-shot"), None, 4.0),
        (Column("fc100", "5-shot, dirichlet:2.0"), None, 6.5),  # the longest word
        (Column("fc100", "1-shot"), Cell("55.50 ± 0.40"), 6.0),
        (Column("fc100", "1-shot"), Cell("55.50 ± 0.40", best=True), 12 * 0.58),
        (Column("fc100", "1-shot"), Cell("55.50 ± 0.40 (seeds 3, sd 1.00)"), 6.0),
        (Column("omniglot", "1-shot"), Cell("55.50"), 4.0),
        (Column("fc100", "x" * 30), None, 9.0),
    ],
)
def test_a_column_is_as_wide_as_its_longest_word(
    column: Column, cell: Cell | None, width: float
) -> None:
    assert _width(Section((column,), (row("tim", cell),)), 0) == pytest.approx(width)


def test_rows_are_cut_where_a_page_is_full() -> None:
    """A page has 32 lines."""
    rows = [row(f"m{i}") for i in range(33)]
    assert [len(page) for page in _pages(rows, lambda _: 1)] == [32, 1]
    assert [len(page) for page in _pages(rows[:32], lambda _: 1)] == [32]
    assert [len(page) for page in _pages(rows[:5], lambda _: 16)] == [2, 2, 1]
    assert [len(page) for page in _pages(rows[:2], lambda _: 40)] == [1, 1]
    assert [*_pages([], lambda _: 1)] == []


@pytest.mark.parametrize(
    ("made", "published", "lines"),
    [
        (row("x" * 22), False, 1),  # 22 letters of a half in 11
        (row("x" * 23), False, 2),
        (row("tim", Cell("1 (sd 2)"), None), False, 3),
        (row("x" * 100, Cell("1 (sd 2)")), False, 5),
        (row("x" * 7), True, 1),  # "xxxxxxx, conv4-64" has 17 letters, in 8.5
        (row("x" * 8), True, 2),
        (row("tim", published_as="x" * 35), True, 3),
    ],
)
def test_a_row_takes_lines_by_its_longest_name(made: Row, published: bool, lines: int) -> None:
    other = Row("inductive", "y", "resnet12", ())
    rows = (made, other) if published else (made,)
    assert _lines(Section((), rows, published), made) == lines


def test_differences_take_lines_by_their_longest_text() -> None:
    assert _lines_of_differences(row(differs="x" * 42)) == 1  # in 38 less 17
    assert _lines_of_differences(row(differs="x" * 43)) == 2
    assert _lines_of_differences(row(differs="x", published_as="x" * 18)) == 2  # in 8.5
    assert _lines_of_differences(row("x" * 7, differs="y")) == 1  # "xxxxxxx, conv4-64"
    assert _lines_of_differences(row("x" * 8, differs="y")) == 2


def test_a_name_is_broken_behind_what_joins_its_parts() -> None:
    assert _breakable("a.b=c_d") == (r"a.\allowbreak{}b=\allowbreak{}c\_\allowbreak{}d")
    assert _breakable("a._b x, y") == r"a.\_\allowbreak{}b x, y"


def test_several_networks_beside_published_numbers_are_told_with_the_method() -> None:
    cells = (Cell("50.00"),)
    rows = tuple(Row("inductive", "tim", network, cells) for network in ("conv4-64", "resnet12"))
    text = render(Table("t", Section((Column("fc100", "1-shot"),), rows, published=True), ("n",)))
    assert "\ntim, conv4-64 &  & 50.00 \\\\\n" in text
    assert "Backbone" not in text


def test_rows_without_a_number_in_a_table_are_left_out_of_it_and_pages_are_tables() -> None:
    columns = shots(1, 2, 3, 5)
    last = (None, None, None, Cell("60.00"))
    rows = (*section(*columns, rows=33).rows, row("alone", *last))
    tables = render(Table("t", Section(tuple(columns), rows), ())).split(r"\begin{table}")[1:]
    named = [sum(f"m{i} &" in table for i in range(33)) for table in tables]
    assert named == [32, 1, 32, 1]
    assert ["alone" in table for table in tables] == [False, False, False, True]
