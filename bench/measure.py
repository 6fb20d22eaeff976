"""Timing: ours and theirs in turn, each in a process of its own, and medians of the rates."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import Job, Row

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Side:
    """Rates of one side, units a second, one each repeat; peak memory in MB; what else it found."""

    rates: tuple[float, ...]
    accuracy: float | None
    peak_mb: float | None
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Median rate."""
        return median(self.rates)


@dataclass(frozen=True)
class Measured:
    """A finished row: which, and what was found on both sides."""

    name: str
    ours: Side
    theirs: Side
    facts: dict[str, Any]

    @property
    def ratio(self) -> float:
        """How many times ours is faster."""
        return self.ours.rate / self.theirs.rate

    def save(self, folder: Path) -> None:
        """Write ``NAME.json``, complete or not at all."""
        partial = folder / f".{self.name}.partial"
        partial.write_text(json.dumps(asdict(self), indent=1))
        partial.replace(folder / f"{self.name}.json")


def load(folder: Path) -> dict[str, Measured]:
    """Return the rows that were measured so far, by name."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text())
        ours, theirs = (_side(facts.pop(side)) for side in ("ours", "theirs"))
        found[path.stem] = Measured(ours=ours, theirs=theirs, **facts)
    return found


def measure(
    row: Row, inputs: Path, pythons: dict[str, Path], repeats: int, quick: bool, threads: int
) -> Measured:
    """Run both sides in turn, so that a busy minute of the machine hits both."""
    lines: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
    for _ in range(repeats):
        for side, job in (("ours", row.ours), ("theirs", row.theirs)):
            lines[side].append(_run(job, inputs, pythons[job.environment], quick, threads))
    facts = {"quick": quick, "threads": threads, "n_ours": row.ours.count(quick)}
    facts["n_theirs"] = row.theirs.count(quick)
    return Measured(row.name, _summary(lines["ours"]), _summary(lines["theirs"]), facts)


def _run(job: Job, inputs: Path, python: Path, quick: bool, threads: int) -> dict[str, Any]:
    command = [str(python), "-m", job.module, str(inputs), job.subject, str(job.count(quick))]
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | limits, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise RuntimeError(f"{job.module} {job.subject}: {reason}")
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def _summary(lines: list[dict[str, Any]]) -> Side:
    peaks = [line["peak_mb"] for line in lines if line["peak_mb"] is not None]
    peak = max(peaks, default=None)
    rates = tuple(line["rate"] for line in lines)
    return Side(rates, lines[0]["accuracy"], peak, lines[0]["facts"])


def _side(facts: dict[str, Any]) -> Side:
    return Side(**facts | {"rates": tuple(facts["rates"])})
