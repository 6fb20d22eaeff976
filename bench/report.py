"""Writes the report from the rows that have been measured."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from bench.measure import ROOT, Measured
from bench.peers import PEERS
from bench.rows import ROWS, Row
from bench.settings import N_CHECKED

HEADER = "| work | ours | theirs | ratio | aim | accuracy ours / theirs | peak MB ours / theirs |"
RULE = "|---|---:|---:|---:|---:|---:|---:|"


def write_report(measured: Mapping[str, Measured]) -> str:
    """Return the report as Markdown; rows that were not measured are named as such."""
    lines = ["# Speed", "", *_how(measured), "", HEADER, RULE]
    lines += [_line(row, measured[row.name]) for row in ROWS if row.name in measured]
    lines += _further(measured)
    missing = [f"`{row.name}`" for row in ROWS if row.name not in measured]
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    return "\n".join([*lines, "", *_peers()]) + "\n"


def verdict(row: Row, found: Measured) -> str:
    """Say whether the aims of a row are met."""
    fast = found.ratio >= row.aim and found.ours.rate >= (row.aim_rate or 0)
    if row.tolerance is not None and max(found.theirs.facts.values()) > row.tolerance:
        return f"missed: results differ by more than {row.tolerance:g}"
    return "met" if fast else "missed"


def _line(row: Row, found: Measured) -> str:
    aim = f"{row.aim:g} x" + (f", {row.aim_rate:,.0f}/s" if row.aim_rate else "")
    cells = (
        row.work,
        f"{_rate(found.ours.rate)} {row.unit}/s",
        f"{_rate(found.theirs.rate)} {row.unit}/s",
        f"**{found.ratio:.1f}**",
        f"{aim}: {verdict(row, found)}",
        f"{_percent(found.ours.accuracy)} / {_percent(found.theirs.accuracy)}",
        f"{_megabytes(found.ours.peak_mb)} / {_megabytes(found.theirs.peak_mb)}",
    )
    return f"| {' | '.join(cells)} |"


def _further(measured: Mapping[str, Measured]) -> list[str]:
    """What the sides found beside their rates, a line each."""
    found = [
        f"- `{name}`, {fact}: {value:.3g}"
        for name, row in measured.items()
        for fact, value in (row.ours.facts | row.theirs.facts).items()
    ]
    return ["", "Found beside the rates:", "", *found] if found else []


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _megabytes(peak: float | None) -> str:
    return "-" if peak is None else f"{peak:,.0f}"


def _percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{100 * accuracy:.1f}"


def _how(measured: Mapping[str, Measured]) -> list[str]:
    repeats = {len(m.ours.rates) for m in measured.values()}
    threads = {m.facts["threads"] for m in measured.values()}
    quick = [f"`{name}`" for name, m in measured.items() if m.facts["quick"]]
    lines = [
        "Written by `make bench`; not edited by hand. Both sides of a row read the same inputs and",
        "run in turn in processes of their own; rates are medians. Both sides sample episodes of",
        "their own while they are timed. Accuracies of the heads are those of the same",
        f"{N_CHECKED} episodes on both sides, and show that both do the same work; peak memory is",
        "that of the whole process, libraries included.",
        "",
        f"Machine: {_processor()}; threads: {_listed(threads)}; repeats: {_listed(repeats)}.",
        f"Versions: Python {platform.python_version()}, torch {version('torch')}, "
        f"numpy {version('numpy')}, fewshot-bench {version('fewshot-bench')} at {_commit()}.",
    ]
    if quick:
        lines += ["", f"**Quick run, too short for conclusions:** {', '.join(quick)}."]
    return lines


def _listed(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "-"


def _peers() -> list[str]:
    lines = ["Peers, each installed in an environment of its own:", ""]
    for name, peer in PEERS.items():
        lines.append(f"- `{name}`: {', '.join(peer.requirements)}")
        if peer.built:
            lines.append(f"  - {peer.built} built apart: {peer.why}")
        lines += [f"  - patched at installation: {patch.why}" for patch in peer.patches]
    return lines


def _processor() -> str:
    if sys.platform == "linux":
        with Path("/proc/cpuinfo").open() as lines:
            names = [x.split(":")[1].strip() for x in lines if x.startswith("model name")]
        if names:
            return f"{len(names)} x {names[0]}"
    return platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown commit"
