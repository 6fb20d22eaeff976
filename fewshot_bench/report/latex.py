"""LaTeX with booktabs, to be read into a paper as it is."""

import re
from itertools import groupby

from fewshot_bench.report.section import Cell, Row, Section, Table
from fewshot_bench.utilities.printing import printable

_TEXT = "p{32mm}"  # a column of texts
_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{c: f"{{{c}}}" for c in "[]"},  # an option, after what may have one
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def render(table: Table) -> str:
    """Write a table environment; it needs the package booktabs. Comments name the runs."""
    parts = [r"\begin{table}[t]", r"\centering\small", _tabular(table.ours)]
    notes = r"\\{} ".join(map(escape, table.notes))
    parts += [rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {notes}}}", r"\end{table}"]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write plain text so that LaTeX prints it as it is."""
    escaped = "".join(_SPECIAL.get(character, character) for character in printable(text))
    return re.sub("-(?=-)", "-{}", escaped)  # two hyphens would be printed as one dash


def _tabular(section: Section) -> str:
    texts = section.after[:1]  # sources are comments
    kinds = f"{'l' * len(section.before)}{'r' * len(section.columns)}{_TEXT * len(texts)}"
    width = len(section.before) + len(section.columns) + len(texts)
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", *_heading(section)]
    for setting, rows in section.groups():
        lines += [
            r"\midrule",
            rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(setting.title())}}}}} \\",
        ]
        for row in rows:
            lines += [*_comments(section, row), f"{' & '.join(_entries(section, row))} \\\\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _heading(section: Section) -> list[str]:
    """Two lines: data sets, each over its columns, then what tells the columns apart."""
    before, texts = section.before, section.after[:1]
    groups = [(name, len(list(g))) for name, g in groupby(c.dataset for c in section.columns)]
    spans = [rf"\multicolumn{{{n}}}{{c}}{{{escape(name)}}}" for name, n in groups]
    rules, left = [], len(before) + 1
    for _, n in groups:
        rules.append(rf"\cmidrule(lr){{{left}-{left + n - 1}}}")
        left += n
    labels = [escape(column.label) for column in section.columns]
    first = " & ".join([*[""] * len(before), *spans, *[""] * len(texts)])
    return [f"{first} \\\\", " ".join(rules), f"{' & '.join([*before, *labels, *texts])} \\\\"]


def _entries(section: Section, row: Row) -> list[str]:
    texts = section.texts(row)[:1]
    return [*map(escape, section.names(row)), *map(_cell, row.cells), *map(escape, texts)]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    return rf"\textbf{{{escape(cell.text)}}}" if cell.best else escape(cell.text)


def _comments(section: Section, row: Row) -> list[str]:
    """Lines that lead from each cell to its runs, and from a published number to its source."""
    runs = [
        f"% {printable(f'{column}: {chr(32).join(cell.run_ids)}')}"
        for column, cell in zip(section.columns, row.cells, strict=True)
        if cell and cell.run_ids
    ]
    return [*runs, *[f"% {printable(row.source)}"] * bool(row.source)]
