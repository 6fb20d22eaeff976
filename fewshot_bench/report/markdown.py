"""Markdown: pipes well, reads well unrendered."""

from collections.abc import Sequence

from fewshot_bench.report.table import FIXED, Cell, Row, Section, Table


def render(table: Table) -> str:
    """Write a table as GitHub-flavoured Markdown, the ids of all runs folded away at the end."""
    parts = [_grid(table.ours)]
    if table.published:
        parts += ["**Published (not run here)**", _grid(table.published, sources=True)]
    parts += ["\n".join(f"- {_escape(note)}" for note in table.notes), _runs(table.ours)]
    return "\n\n".join(parts) + "\n"


def _grid(section: Section, sources: bool = False) -> str:
    """Lay the columns out at equal widths, numbers to the right."""
    head = [*FIXED, *map(str, section.columns), *["Source"] * sources]
    lines = [list(map(_escape, head)), *(_line(row, sources) for row in section.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [len(FIXED) <= i < len(FIXED) + len(section.columns) for i in range(len(head))]
    rule = ["-" * (w - 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)]
    padded = [
        [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(line, widths, right, strict=True)]
        for line in lines
    ]
    padded.insert(1, rule)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _line(row: Row, sources: bool) -> Sequence[str]:
    names = map(_escape, row.names)
    return [*names, *map(_cell, row.cells), *[_escape(row.source)] * sources]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return f"**{cell.text}**" if cell.best else _escape(cell.text)


def _runs(section: Section) -> str:
    lines = [
        f"- {_escape(f'{row.method}, {row.backbone}, {column}')}: {' '.join(cell.run_ids)}"
        for row in section.rows
        for column, cell in zip(section.columns, row.cells, strict=True)
        if cell
    ]
    return "\n".join(["<details><summary>MLflow runs</summary>", "", *lines, "", "</details>"])


def _escape(text: str) -> str:
    """Keep a text from ending its column, and from being read as markup."""
    return text.replace("|", r"\|").replace("*", r"\*").replace("<", "&lt;")
