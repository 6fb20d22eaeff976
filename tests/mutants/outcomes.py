"""What became of the mutants: kept as it comes, and summed up by room."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from scipy.stats import binomtest

from tests.mutants.mutant import ROOMS, Mutant, mutants

Fate = Literal["killed", "timed out", "survived", "no test", "not applied"]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        key, digest: of the mutant; it is another one where either differs.
        fate: ``no test`` runs its code; ``not applied``: this tool cannot put it in place.
        by: the test that failed, or why there was none.
        tried: tests that noticed nothing.
    """

    key: str
    digest: str
    fate: Fate
    by: str = ""
    tried: list[str] = field(default_factory=list)

    @property
    def lived(self) -> bool:
        """True if nobody noticed the mutant."""
        return self.fate in ("survived", "no test")


class Outcomes:
    """The outcomes in a file, a line for each; the last one of a mutant counts."""

    def __init__(self, file: Path) -> None:
        self.file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self._known = {one.key: one for one in (Outcome(**json.loads(line)) for line in lines)}

    def of(self, mutant: Mutant) -> Outcome | None:
        """What became of a mutant; None if it was not tried, or its function changed since."""
        known = self._known.get(mutant.key)
        return known if known and known.digest == mutant.digest else None

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome."""
        self._known[outcome.key] = outcome
        with self.file.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")


def sampled(root: Path, rooms: Iterable[str], sample: int | None, seed: int) -> list[Mutant]:
    """Draw mutants of each room; a larger sample of the same seed holds the smaller one."""
    chosen = []
    for room in rooms:
        files = sorted((root / "fewshot_bench" / room).glob("*.py"))
        found = [one for file in files for one in mutants(root, file.relative_to(root).as_posix())]
        random.Random(f"{seed} {room}").shuffle(found)
        chosen += found[:sample]
    return chosen


def table(root: Path, outcomes: Outcomes, chosen: Iterable[Mutant]) -> str:
    """Write a Markdown table of what became of the chosen mutants, a row for each room."""
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in chosen:
        if outcome := outcomes.of(mutant):
            fates[mutant.room][outcome.fate] += 1
    lines = [
        "| room | mutants | tried | killed | timed out | survived | no test | % killed | 95 % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for room in (room for room in ROOMS if room in fates):
        lines.append(_row(room, len(sampled(root, [room], None, 0)), fates[room]))
    return "\n".join(lines)


def _row(room: str, n_mutants: int, fates: Counter[str]) -> str:
    tried = fates.total() - fates["not applied"]
    killed = fates["killed"] + fates["timed out"]
    percent = interval = "-"
    if tried:
        bounds = binomtest(killed, tried).proportion_ci(method="wilson")
        percent = f"{100 * killed / tried:.1f}"
        interval = f"{100 * bounds.low:.0f} to {100 * bounds.high:.0f}"
    counts = [fates[fate] for fate in ("killed", "timed out", "survived", "no test")]
    return f"| {' | '.join(map(str, [room, n_mutants, tried, *counts, percent, interval]))} |"


def survivors(outcomes: Outcomes, chosen: Iterable[Mutant]) -> list[str]:
    """Say of each mutant that lived where it is and what it changes."""
    return [
        f"{mutant.path}:{mutant.line} {mutant.function}: {mutant.before} -> {mutant.after}"
        f" ({outcome.fate}, {len(outcome.tried)} tests)"
        for mutant in sorted(chosen, key=lambda one: (one.path, one.line))
        if (outcome := outcomes.of(mutant)) and outcome.lived
    ]
