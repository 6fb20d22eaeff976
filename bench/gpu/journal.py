"""What was measured, a JSON line each, written at once; the report is made from it."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.gpu.setup import Found

STATES = ("met", "missed", "skipped", "failed")


@dataclass(frozen=True)
class Line:
    """A row of the report.

    Attributes:
        piece, row: names.
        state: one of `STATES`.
        found: what was measured, if it was.
        why: reason of a row without.
        seconds: that it took, its preparation included.
        where: device, versions and commit, the same for a whole run.
    """

    piece: str
    row: str
    state: str
    found: Found | None
    why: str
    seconds: float
    where: dict[str, str]

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later line of the same takes the place of."""
        return self.piece, self.row, self.where["device"]


class Journal:
    """All lines in a file, the last of each row counting.

    Args:
        path: of the file, which need not exist.
        where: device, versions and commit of what is measured now.
    """

    def __init__(self, path: Path, where: dict[str, str]) -> None:
        self.path, self.where = path, where
        lines = list(_read(path)) if path.exists() else []
        self._lines = {line.key: line for line in lines}

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines that count, in the order in which their rows were first measured."""
        yield from self._lines.values()

    def done(self, piece: str, row: str) -> bool:
        """Whether a row was measured on this device, well or badly; one that failed was not."""
        line = self._lines.get((piece, row, self.where["device"]))
        return line is not None and line.state in ("met", "missed")

    def add(self, line: Line) -> None:
        """Note a line, on the disk before anything else is done."""
        line = replace(line, where=self.where)
        self._lines[line.key] = line
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path) -> Iterator[Line]:
    for text in path.read_text("utf-8").splitlines():
        try:
            told: dict[str, Any] = json.loads(text)
        except ValueError:  # the process ended in the middle of it
            continue
        found = told.pop("found")
        yield Line(found=Found(**found) if found else None, **told)
