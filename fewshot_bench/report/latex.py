"""LaTeX with booktabs, to be read into a paper as it is; no line is wider than the text.

What does not fit beside each other goes below each other: columns into several tables, costs and
what published numbers differ in into tables of their own.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import ceil

from fewshot_bench.report.section import Cell, Row, Section, Table
from fewshot_bench.utilities.printing import printable

PACKAGES = r"\usepackage{array,booktabs,tabularx}"
# In em of \footnotesize: an article's line has 40 of them at 10 points, 39 at 12.
_LINE, _GAP = 38.0, 0.8
_NAME, _NETWORK = 11.0, 6.5  # columns of texts, which are broken into lines
_NAMES = 17.0  # two of them, beside published numbers
_LETTER, _BOLD = 0.5, 0.58
_WIDEST = 9.0  # of a column of numbers
_HEIGHT = 32  # lines of a page that rows may take
_TEXT = r">{\raggedright\arraybackslash}"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{c: f"{{{c}}}" for c in "[]*"},  # options, after what may have some
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


@dataclass(frozen=True)
class _Panel:
    """Columns that fit beside each other: their places in the section, and widths in em."""

    places: tuple[int, ...]
    widths: tuple[float, ...]


def render(table: Table) -> str:
    """Write table environments; comments name the packages that they need, and the runs."""
    section = table.ours
    tables = [
        _numbers(section, panel, rows)
        for panel in _panels(section)
        for rows in _pages(_filled(section, panel), partial(_lines, section))
    ]
    differing = [row for row in section.rows if row.differs]
    tables += [_differences(section, rows) for rows in _pages(differing, _lines_of_differences)]
    floats = [
        rf"\begin{{table}}[t]\centering\footnotesize{_NARROW}%" f"\n{text}\\end{{table}}"
        for text in tables
    ]
    notes = r"\\{} ".join(map(escape, [*_one_network(section), *table.notes]))
    below = rf"\noindent{{\footnotesize\raggedright {notes}\par}}"
    return "\n".join([f"% {PACKAGES}", *floats, below]) + "\n"


_NARROW = rf"\setlength{{\tabcolsep}}{{{_GAP / 2:g}em}}"


def escape(text: str) -> str:
    """Write plain text so that LaTeX prints it as it is."""
    escaped = "".join(_SPECIAL.get(character, character) for character in printable(text))
    return re.sub("-(?=-)", "-{}", escaped)  # two hyphens would be printed as one dash


def _breakable(text: str) -> str:
    """Let a name be broken behind what joins its parts, too."""
    parts = re.split(r"(?<=[=._/:,])(?=[^\W_])", printable(text))
    return r"\allowbreak{}".join(map(escape, parts))


def _panels(section: Section) -> list[_Panel]:
    """Spread columns over as many tables as they need; what belongs together stays together."""
    names = _NAMES if section.published else _NAME + _apart(section) * (_NETWORK + _GAP)
    line = _LINE - names - _GAP
    panels: list[_Panel] = []
    room, cost = 0.0, None
    for group in _groups(section):
        widths = tuple(_width(section, place) for place in group)
        wide = sum(widths) + _GAP * len(widths)
        kind = section.columns[group[0]].cost
        if wide > room or kind is not cost:
            panels.append(_Panel((), ()))
            room, cost = line, kind
        last = panels.pop()
        panels.append(_Panel(last.places + group, last.widths + widths))
        room -= wide
    return panels


def _groups(section: Section) -> list[tuple[int, ...]]:
    """Places of columns: each of ours with the published numbers beside it."""
    groups: list[tuple[int, ...]] = []
    for place, column in enumerate(section.columns):
        head = section.columns[groups[-1][0]] if groups else None
        beside = head and [f"{head.label}, {what}" for what in ("published", "difference")]
        if beside and head and column.dataset == head.dataset and column.label in beside:
            groups[-1] += (place,)
        else:
            groups.append((place,))
    return groups


def _width(section: Section, place: int) -> float:
    """Width that a column needs, in em: a number with its interval is not broken."""
    column = section.columns[place]
    cells = [row.cells[place] for row in section.rows]
    words = [*column.label.split(), *column.dataset.split("-")]
    width = max(_LETTER * len(word) for word in words)
    for cell in cells:
        if cell:
            letter = _BOLD if cell.best else _LETTER
            width = max(width, letter * len(cell.text.partition(" (")[0]))
    return min(_WIDEST, width)


def _apart(section: Section) -> bool:
    """Whether backbones have a column of their own."""
    return _several_networks(section) and not section.published


def _several_networks(section: Section) -> bool:
    return len({row.backbone for row in section.rows}) > 1


def _one_network(section: Section) -> list[str]:
    return [] if _several_networks(section) else [f"Backbone: {section.rows[0].backbone}."]


def _method(section: Section, row: Row) -> str:
    """The method; with its backbone, if that has no column and there are several."""
    alone = _apart(section) or not _several_networks(section)
    return row.method if alone else f"{row.method}, {row.backbone}"


def _filled(section: Section, panel: _Panel) -> list[Row]:
    """Rows that have something in the columns of a panel."""
    return [row for row in section.rows if any(row.cells[place] for place in panel.places)]


def _pages(rows: Sequence[Row], height: Callable[[Row], int]) -> Iterator[list[Row]]:
    """Cut rows into what fits a page, by the lines that each takes."""
    page: list[Row] = []
    for row in rows:
        if page and sum(map(height, [*page, row])) > _HEIGHT:
            yield page
            page = []
        page.append(row)
    if page:
        yield page


def _lines(section: Section, row: Row) -> int:
    """Lines that a row of numbers takes, at most."""
    width = _NAMES / 2 if section.published else _NAME
    names = max(len(_method(section, row)), len(row.published_as))
    bracket = any(cell and " (" in cell.text for cell in row.cells)
    return max(1 + 2 * bracket, ceil(_LETTER * names / width))


def _lines_of_differences(row: Row) -> int:
    widths = {row.differs: _LINE - _NAMES, row.published_as: _NAMES / 2}
    widths[f"{row.method}, {row.backbone}"] = _NAMES / 2
    return max(ceil(_LETTER * len(text) / width) for text, width in widths.items())


def _numbers(section: Section, panel: _Panel, rows: Sequence[Row]) -> str:
    """A table of some columns of some rows."""
    apart, names = _apart(section), [name for name in section.before[1:] if name != "Backbone"]
    kinds = [f"{_TEXT}X"] * len(names)
    if apart:
        names.append("Backbone")
        kinds.append(rf"{_TEXT}p{{{_NETWORK}em}}")
    kinds += [rf">{{\raggedleft\arraybackslash}}p{{{width:.2f}em}}" for width in panel.widths]
    lines = [*_heading(section, panel, names)]
    for setting, group in groupby(rows, key=lambda row: row.setting):
        lines += _of_setting(setting, len(kinds))
        for row in group:
            lines += [*_comments(section, panel, row)]
            texts = [_method(section, row), *[row.backbone] * apart, *section.names(row)[3:]]
            cells = [_cell(row.cells[place]) for place in panel.places]
            lines.append(f"{' & '.join([*map(_breakable, texts), *cells])} \\\\")
    return _tabular(kinds, lines)


def _differences(section: Section, rows: Sequence[Row]) -> str:
    """A table of what published numbers differ in, and where they were read as comments."""
    kinds = [rf"{_TEXT}p{{{_NAMES / 2:g}em}}"] * 2 + [f"{_TEXT}X"]
    lines = [f"{' & '.join(['Method', section.before[-1], section.after[0]])} \\\\"]
    for setting, group in groupby(rows, key=lambda row: row.setting):
        lines += _of_setting(setting, len(kinds))
        for row in group:
            lines.append(f"% {printable(row.source)}")
            texts = map(_breakable, (_method(section, row), row.published_as, row.differs))
            lines.append(f"{' & '.join(texts)} \\\\")
    return _tabular(kinds, lines)


def _tabular(kinds: Sequence[str], lines: Sequence[str]) -> str:
    begin = rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{''.join(kinds)}@{{}}}}"
    return "\n".join([begin, r"\toprule", *lines, r"\bottomrule", r"\end{tabularx}", ""])


def _of_setting(setting: str, n_columns: int) -> Iterator[str]:
    yield r"\midrule"
    yield rf"\multicolumn{{{n_columns}}}{{@{{}}l}}{{\textit{{{escape(setting.title())}}}}} \\"


def _heading(section: Section, panel: _Panel, names: Sequence[str]) -> Iterator[str]:
    """Two lines: data sets, each over its columns, then what tells the columns apart."""
    columns = [section.columns[place] for place in panel.places]
    spans, rules, start = [], [], 0
    for name, group in groupby(column.dataset for column in columns):
        end = start + len(list(group))
        width = sum(panel.widths[start:end]) + _GAP * (end - start - 1)
        box = rf">{{\centering\arraybackslash}}p{{{width:.2f}em}}"
        spans.append(rf"\multicolumn{{{end - start}}}{{{box}}}{{{_breakable(name)}}}")
        rules.append(rf"\cmidrule(lr){{{len(names) + start + 1}-{len(names) + end}}}")
        start = end
    yield f"{' & '.join([*[''] * len(names), *spans])} \\\\"
    yield " ".join(rules)
    yield f"{' & '.join([*names, *[escape(column.label) for column in columns]])} \\\\"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    number, bracket, rest = cell.text.partition(" (")
    bold = rf"\textbf{{{escape(number)}}}" if cell.best else escape(number)
    return rf"{bold}\newline{{\scriptsize ({escape(rest)}}}" if bracket else bold


def _comments(section: Section, panel: _Panel, row: Row) -> Iterator[str]:
    """Lines that lead from each cell to its runs, and from a published number to its source."""
    for place in panel.places:
        cell = row.cells[place]
        if cell and cell.run_ids:
            yield f"% {printable(f'{section.columns[place]}: {chr(32).join(cell.run_ids)}')}"
    if row.source:
        yield f"% {printable(row.source)}"
