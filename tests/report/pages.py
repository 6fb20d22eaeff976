"""Reports read back: what an HTML page, a Markdown document and a LaTeX table show."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token


class Page(HTMLParser):
    """Collects rows of texts, the texts in bold and of notes, titles of cells, and all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.bold: list[str] = []
        self.notes: list[str] = []
        self.titles: list[str] = []
        self.tags: set[str] = set()
        self._strong = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.titles += [value or "" for name, value in attrs if name == "title"]
        if tag == "br":
            self.rows[-1][-1] += ", "
        if tag == "strong":
            self._strong = True
            self.bold.append("")
        if tag == "li":
            self.notes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._strong = self._strong and tag != "strong"
        if tag == "table":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.rstrip("\n")
        if self._strong:
            self.bold[-1] += data
        if self.notes:
            self.notes[-1] += data


class Document:
    """A document in CommonMark with tables.

    Attributes:
        rows: cells of every row of every table, as shown.
        notes: items of lists, as shown.
        marks: kinds of everything in them that is more than text.
    """

    def __init__(self, text: str) -> None:
        self.rows: list[list[str]] = []
        self.notes: list[str] = []
        self.marks: set[str] = set()
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
        for before, token in pairwise(tokens):
            if token.type == "tr_open":
                self.rows.append([])
            if token.type == "list_item_open":
                self.notes.append("")
            if token.type == "inline" and before.type in ("th_open", "td_open"):
                self.rows[-1].append(self._shown(token))
            elif token.type == "inline":
                self.notes[-1:] = [self._shown(token)]
        self.blocks = {token.type for token in tokens}

    def _shown(self, token: Token) -> str:
        inside = token.children or []
        self.marks |= {part.type for part in inside} - {"text"}
        return "".join(part.content for part in inside)


_WRITTEN = re.compile(
    r"\\text(backslash|asciitilde|asciicircum|less|greater)\{\}|\\([&%$#_{}])|\$\\pm\$"
    r"|\{([][*])\}|-\{\}"
)
_MEANT = {"backslash": "\\", "asciitilde": "~", "asciicircum": "^", "less": "<", "greater": ">"}


def latex_cells(line: str) -> Iterator[str]:
    """Texts of a row, as LaTeX prints them; a mark that is not written as a text is kept."""
    for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\").strip()):
        text = cell.strip().replace(r"\allowbreak{}", "")
        text = re.sub(r"\\newline\{\\scriptsize (.*)\}$", r" \1", text)
        text = re.sub(r"^\\textbf\{([^{}]*(?:\$[^$]*\$)?[^{}]*)\}", r"\1", text)
        yield _WRITTEN.sub(_meant, text)


def latex_numbers(text: str) -> Counter[tuple[str, ...]]:
    """All numbers of all tables, each behind the setting and the names of its row."""
    found: Counter[tuple[str, ...]] = Counter()
    for kinds, inside in re.findall(
        r"\\begin\{tabularx\}([^\n]*)\n\\toprule\n(.*?)\\bottomrule", text, re.S
    ):
        n_names, setting = kinds.count(r"\raggedright"), ""
        for line in inside.partition(r"\midrule")[2].splitlines():
            if group := re.search(r"\\textit\{(\w+)\}", line):
                setting = group[1].lower()
            elif not line.startswith(("%", r"\midrule")):
                names, cells = (row := [*latex_cells(line)])[:n_names], row[n_names:]
                found.update((setting, *names, cell) for cell in cells if cell != "--")
    return found


def _meant(match: "re.Match[str]") -> str:
    name, mark, bracket = match.groups()
    return _MEANT.get(name, "") or mark or bracket or ("±" if "pm" in match[0] else "-")
