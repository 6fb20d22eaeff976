"""A table on a terminal, as wide as that is."""

from typing import TYPE_CHECKING

from fewshot_bench.report.section import Cell, Row, Section, Table
from fewshot_bench.utilities.printing import printable

if TYPE_CHECKING:
    from rich import table as rich_table
    from rich.text import Text


def rich(table: Table) -> "rich_table.Table":
    """Lay a table out; the notes, and the ids of runs, are not in it."""
    from rich import box
    from rich.table import Table as RichTable

    section = table.ours
    shown = RichTable(title=printable(table.title), title_justify="left", box=box.SIMPLE_HEAD)
    for name in section.before[1:]:
        shown.add_column(name, overflow="fold")
    for column in section.columns:
        head = f"{printable(column.dataset)}\n{printable(column.label)}"
        shown.add_column(head, justify="right", overflow="fold")
    for name in section.after[:1]:
        shown.add_column(name, overflow="fold")
    for setting, rows in section.groups():
        shown.add_row(_styled(printable(setting).title(), "italic"))
        for row in rows:
            shown.add_row(*_texts(section, row))
        shown.add_section()
    return shown


def _texts(section: Section, row: Row) -> "list[Text]":
    names = [f"  {row.method}", *section.names(row)[2:]]
    texts = section.texts(row)[:1]
    return [
        *(_styled(printable(name)) for name in names),
        *map(_cell, row.cells),
        *(_styled(printable(text)) for text in texts),
    ]


def _cell(cell: Cell | None) -> "Text":
    if cell is None:
        return _styled("-", "dim")
    return _styled(printable(cell.text), "bold" if cell.best else "")


def _styled(text: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(text, style)
