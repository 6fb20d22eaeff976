"""Markdown: pipes well, reads well unrendered."""

import re
from collections.abc import Collection, Mapping, Sequence

from fewshot_bench.report.section import Cell, Row, Section, Table
from fewshot_bench.utilities.printing import printable

# Marks that mean something anywhere; then those that do in some places: an underscore at the edge
# of a word, an ampersand that names a character, what begins an address or a mail, and what
# begins a quotation, a heading, a list or a rule.
_MARK = re.compile(
    r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|(?<=www)\.|(?<=\w)@(?=\w)"
    r"|^>|^[#=+-](?=[\s#=+-]|$)"
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def render(table: Table) -> str:
    """Write a table as GitHub-flavoured Markdown, the ids of all runs folded away at the end."""
    sources = dict.fromkeys(row.source for row in table.ours.rows if row.source)
    numbers = {source: str(n) for n, source in enumerate(sources, start=1)}
    parts = [_section(table.ours, numbers)]
    parts += ["\n".join(f"- {escape(note)}" for note in table.notes)]
    if sources:
        parts += ["Sources:", "\n".join(f"{n}. {in_cell(s)}" for s, n in numbers.items())]
    parts += [_runs(table.ours)]
    return "\n\n".join(parts) + "\n"


def grid(head: Sequence[str], lines: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Lay columns out at equal widths; their texts are Markdown.

    Args:
        head: names of the columns.
        lines: as many texts each.
        right: columns whose texts stand to the right, as numbers do.
    """
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = ["-" * (w - 1) + (":" if i in right else "-") for i, w in enumerate(widths)]
    padded = [
        [t.rjust(w) if i in right else t.ljust(w) for i, (t, w) in enumerate(cells)]
        for cells in (zip(line, widths, strict=True) for line in (head, *lines))
    ]
    padded.insert(1, rule)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def escape(text: str) -> str:
    """Write a plain text, whoever wrote it, so that Markdown shows it as it is, in one line."""
    marked = _MARK.sub(r"\\\g<0>", printable(text).strip())
    return _NUMBERED.sub(r"\1\\\2", marked).replace("<", "&lt;")


def in_cell(markdown: str) -> str:
    """Keep Markdown of ours from ending its column, and from holding HTML."""
    return markdown.replace("|", r"\|").replace("*", r"\*").replace("<", "&lt;")


def _section(section: Section, sources: Mapping[str, str]) -> str:
    """The grid; sources, which are long, are numbers that are told below."""
    head = [*section.before, *map(str, section.columns), *section.after]
    first = len(section.before)
    numbers = range(first, first + len(section.columns))
    lines = [_line(section, row, sources) for row in section.rows]
    return grid(list(map(escape, head)), lines, numbers)


def _line(section: Section, row: Row, sources: Mapping[str, str]) -> Sequence[str]:
    texts = (sources.get(text, text) for text in section.texts(row))
    return [*map(escape, section.names(row)), *map(_cell, row.cells), *map(escape, texts)]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return f"**{escape(cell.text)}**" if cell.best else escape(cell.text)


def _runs(section: Section) -> str:
    lines = dict.fromkeys(
        f"- {escape(f'{row.method}, {row.backbone}, {column}')}: {escape(' '.join(cell.run_ids))}"
        for row in section.rows
        for column, cell in zip(section.columns, row.cells, strict=True)
        if cell and cell.run_ids
    )
    return "\n".join(["<details><summary>MLflow runs</summary>", "", *lines, "", "</details>"])
