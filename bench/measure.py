"""Timing: ours and theirs in turn, each in a process of its own, and medians of the rates."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import Growth, Job, Limit, Row

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
    """What was found: of a row on both sides, of a limit or a growth on ours."""

    name: str
    ours: Side
    theirs: Side | None
    facts: dict[str, Any]

    @property
    def peer(self) -> Side:
        """The other side of a row."""
        if self.theirs is None:
            raise TypeError(f"{self.name} has no peer")
        return self.theirs

    @property
    def ratio(self) -> float:
        """How many times ours is faster."""
        return self.ours.rate / self.peer.rate

    def save(self, folder: Path) -> None:
        """Write ``NAME.json``, complete or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{self.name}.partial"
        partial.write_text(json.dumps(asdict(self), indent=1))
        partial.replace(folder / f"{self.name}.json")


def load(folder: Path) -> dict[str, Measured]:
    """Return the rows that were measured so far, by name."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text())
        ours, theirs = facts.pop("ours"), facts.pop("theirs")
        peer = _side(theirs) if theirs else None
        found[path.stem] = Measured(ours=_side(ours), theirs=peer, **facts)
    return found


def jobs(entry: Row | Limit | Growth) -> dict[str, Job]:
    """The sides of an entry that has a peer, or our side alone."""
    return {"ours": entry.ours, **({"theirs": entry.theirs} if isinstance(entry, Row) else {})}


@dataclass(frozen=True)
class Runs:
    """How jobs are run: the folder of inputs, the Python of each environment, how long, threads."""

    inputs: Path
    pythons: dict[str, Path]
    quick: bool
    threads: int

    def run(self, job: Job) -> dict[str, Any]:
        """Run a job in a process of its own; returns what it printed, see `print_measured`.

        Raises:
            RuntimeError: the job failed.
        """
        count = str(job.count(self.quick))
        command = [str(self.pythons[job.environment]), "-m", job.module]
        command += [str(self.inputs), job.subject, count]
        threads = {f"{kind}_NUM_THREADS": str(self.threads) for kind in ("OMP", "MKL")}
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | threads, capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise RuntimeError(f"{job.module} {job.subject}: {reason}")
        line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return line


def measure(entry: Row | Limit | Growth, runs: Runs) -> Measured:
    """Run the sides in turn, so that a busy minute of the machine hits both.

    What is ours alone is run once.
    """
    sides, repeats = jobs(entry), entry.repeats if isinstance(entry, Row) else 1
    lines: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for _ in range(1 if runs.quick else repeats):
        for side, job in sides.items():
            lines[side].append(runs.run(job))
    found = {side: _summary(of_side) for side, of_side in lines.items()}
    facts: dict[str, Any] = {f"n_{side}": job.count(runs.quick) for side, job in sides.items()}
    facts |= {"quick": runs.quick, "threads": runs.threads, "commit": _commit()}
    return Measured(entry.name, found["ours"], found.get("theirs"), facts)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown commit"


def _summary(lines: list[dict[str, Any]]) -> Side:
    peaks = [line["peak_mb"] for line in lines if line["peak_mb"] is not None]
    peak = max(peaks, default=None)
    rates = tuple(line["rate"] for line in lines)
    facts = {key: median(line["facts"][key] for line in lines) for key in lines[0]["facts"]}
    return Side(rates, lines[0]["accuracy"], peak, facts)


def _side(facts: dict[str, Any]) -> Side:
    return Side(**facts | {"rates": tuple(facts["rates"])})
