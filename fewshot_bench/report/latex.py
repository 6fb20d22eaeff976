"""LaTeX with booktabs, to be read into a paper as it is."""

import re
from itertools import groupby

from fewshot_bench.report.table import FIXED, Cell, Row, Section, Table
from fewshot_bench.utilities.printing import printable

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
    if table.published:
        parts += [r"\par\medskip Published (not run here)\par\smallskip"]
        parts += [_tabular(table.published)]
    notes = r"\\{} ".join(map(escape, table.notes))
    parts += [rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {notes}}}", r"\end{table}"]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write plain text so that LaTeX prints it as it is."""
    escaped = "".join(_SPECIAL.get(character, character) for character in printable(text))
    return re.sub("-(?=-)", "-{}", escaped)  # two hyphens would be printed as one dash


def _tabular(section: Section) -> str:
    width = len(FIXED) + len(section.columns)
    lines = [rf"\begin{{tabular}}{{{'l' * len(FIXED)}{'r' * len(section.columns)}}}", r"\toprule"]
    lines += _heading(section)
    for setting, rows in section.groups():
        lines += [
            r"\midrule",
            rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(setting.title())}}}}} \\",
        ]
        for row in rows:
            lines += [*_comments(section, row), f"{' & '.join(_entries(row))} \\\\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _heading(section: Section) -> list[str]:
    """Two lines: data sets, each over its columns, then what tells the columns apart."""
    groups = [(name, len(list(g))) for name, g in groupby(c.dataset for c in section.columns)]
    spans = [rf"\multicolumn{{{n}}}{{c}}{{{escape(name)}}}" for name, n in groups]
    rules, left = [], len(FIXED) + 1
    for _, n in groups:
        rules.append(rf"\cmidrule(lr){{{left}-{left + n - 1}}}")
        left += n
    labels = [escape(column.label) for column in section.columns]
    first = " & ".join([*[""] * len(FIXED), *spans])
    return [f"{first} \\\\", " ".join(rules), f"{' & '.join([*FIXED, *labels])} \\\\"]


def _entries(row: Row) -> list[str]:
    return [*map(escape, row.names), *map(_cell, row.cells)]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    return rf"\textbf{{{escape(cell.text)}}}" if cell.best else escape(cell.text)


def _comments(section: Section, row: Row) -> list[str]:
    """Lines that lead from each cell to its runs, or from a published row to its source."""
    if row.source:
        return [f"% {printable(row.source)}"]
    return [
        f"% {printable(f'{column}: {chr(32).join(cell.run_ids)}')}"
        for column, cell in zip(section.columns, row.cells, strict=True)
        if cell
    ]
