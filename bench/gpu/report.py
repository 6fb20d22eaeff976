"""Writes the report from the journal."""

from collections.abc import Iterable, Sequence

from bench.gpu.journal import Line
from bench.gpu.setup import Found, Piece

HEADER = ("row", "found", "aim", "peer", "took", "remark")


def write_report(pieces: Sequence[Piece], lines: Iterable[Line]) -> str:
    """Return the report as Markdown: a table a piece and device, and what was never run."""
    known = list(lines)
    devices = list(dict.fromkeys(line.where["device"] for line in known))
    text = ["# On a GPU", "", _summary(pieces, known), *_short(known)]
    for device in devices:
        of_device = [line for line in known if line.where["device"] == device]
        where = of_device[-1].where
        facts = ", ".join(f"{key} {value}" for key, value in where.items() if key != "device")
        text += ["", f"## {device}", "", f"{facts}."]
        for piece in pieces:
            rows = [line for line in of_device if line.piece == piece.name]
            if rows:
                text += ["", f"### {piece.title}", "", *_table(rows)]
    return "\n".join(text) + "\n"


def _summary(pieces: Sequence[Piece], lines: Sequence[Line]) -> str:
    there = {line.piece for line in lines if line.found}
    never = [f"`{piece.name}`" for piece in pieces if piece.name not in there]
    lacking = f" Never run: {', '.join(never)}." if never else ""
    if not there:
        return "Nothing has run on one yet: `python -m bench.gpu` fills this page."
    return "Written by `python -m bench.gpu`, from every row that it measured." + lacking


def _short(lines: Iterable[Line]) -> list[str]:
    """List what misses its aim and what failed: what a reader looks for first."""
    told = []
    for line in lines:
        if line.state == "missed" and line.found and line.found.aim is not None:
            found, aim = number(line.found.value), number(line.found.aim)
            told.append(f"- `{line.piece}`, {line.row}: {found} {line.found.unit}, {aim} aimed at")
        elif line.state == "failed":
            told.append(f"- `{line.piece}`, {line.row}: {_in_a_cell(line.why)}")
    return ["", "What misses its aim, or failed:", "", *told] if told else []


def _table(lines: Iterable[Line]) -> list[str]:
    rows = [HEADER, ("---", *["---:"] * 4, "---"), *(_row(line) for line in lines)]
    return [f"| {' | '.join(cells)} |" for cells in rows]


def _row(line: Line) -> tuple[str, ...]:
    took = f"{line.seconds:.1f} s"
    if line.found is None:
        return line.row, line.state, "", "", took, _in_a_cell(line.why)
    found = line.found
    peer = "" if found.peer is None else f"{number(found.peer)}, {found.value / found.peer:.1f} x"
    return (
        line.row,
        f"{number(found.value)} {found.unit}",
        _aim(found, line.state),
        peer,
        took,
        found.note,
    )


def _in_a_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def _aim(found: Found, state: str) -> str:
    if found.aim is None:
        return ""
    return f"{'at most' if found.at_most else 'at least'} {number(found.aim)}: {state}"


def number(value: float) -> str:
    """Write a number as short as it says something."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
