"""One self-contained HTML page: no script, no request to anywhere."""

import re
from html import escape as without_tags
from importlib.resources import files
from itertools import groupby

from fewshot_bench.report.section import Cell, Column, Row, Section, Table
from fewshot_bench.utilities.printing import printable


def render(table: Table) -> str:
    """Write the page; a cell's title attribute names its runs."""
    css = files(__package__).joinpath("webpage.css").read_text("utf-8")
    parts = [f"<h1>{escape(table.title)}</h1>", _table(table.ours)]
    parts.append("<ul>" + "".join(f"<li>{escape(note)}</li>" for note in table.notes) + "</ul>")
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Write a plain text, whoever wrote it, so that a browser shows it as it is, in one line."""
    return without_tags(printable(text))


def _table(section: Section) -> str:
    width = len(section.before) + len(section.columns) + len(section.after)
    lines = ['<div class="scroll"><table>', _heading(section)]
    for setting, rows in section.groups():
        name = escape(setting)
        head = f'<tr><th colspan="{width}">{name.title()}</th></tr>'
        lines.append(f'<tbody class="{name}">{head}')
        lines += [_row(section, row) for row in rows]
        lines.append("</tbody>")
    return "\n".join([*lines, "</table></div>"])


def _heading(section: Section) -> str:
    before, after = (
        "".join(f'<th rowspan="2">{name}</th>' for name in names)
        for names in (section.before, section.after)
    )
    groups = [(name, len(list(g))) for name, g in groupby(c.dataset for c in section.columns)]
    spans = "".join(f'<th class="set" colspan="{n}">{escape(name)}</th>' for name, n in groups)
    labels = "".join(
        f'<th class="num">{escape(c.label).replace(", ", "<br>")}</th>' for c in section.columns
    )
    return f"<thead><tr>{before}{spans}{after}</tr><tr>{labels}</tr></thead>"


def _row(section: Section, row: Row) -> str:
    setting, *names = section.names(row)
    texts = [
        f'<td class="setting">{escape(setting)}</td>',
        *(f"<td>{escape(name)}</td>" for name in names),
    ]
    cells = map(_cell, section.columns, row.cells)
    after = (f'<td class="source">{linked(text)}</td>' for text in section.texts(row))
    return f"<tr>{''.join([*texts, *cells, *after])}</tr>"


def _cell(column: Column, cell: Cell | None) -> str:
    if cell is None:
        return '<td class="num none">-</td>'
    runs = ", ".join(cell.run_ids)
    title = f' title="{escape(f"{column}: run {runs}")}"' if runs else ""
    text = escape(cell.text).replace(" (", " <small>(").replace(")", ")</small>")
    return f'<td class="num"{title}>{f"<strong>{text}</strong>" if cell.best else text}</td>'


def linked(source: str) -> str:
    """Make every address a link that shows its host."""
    texts = re.split(r"(https?://[^\s/;]+[^\s;]*)", source)  # every second one is an address
    return "".join(_link(text) if i % 2 else escape(text) for i, text in enumerate(texts))


def _link(address: str) -> str:
    return f'<a href="{escape(address)}">{escape(address.split("/")[2])}</a>'
