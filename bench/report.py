"""Writes the report from what has been measured."""

import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from bench.measure import Measured
from bench.peers import PEERS
from bench.plots import points, slope
from bench.reasons import REASONS
from bench.rows import GROWTHS, LIMITS, ROWS, Limit, Row
from bench.settings import N_CHECKED

PLOT = "speed-growth.png"
ROW_HEADER = (
    "work",
    "ours",
    "theirs",
    "ratio",
    "aim",
    "accuracy ours / theirs",
    "peak MB ours / theirs",
)


def write_report(measured: Mapping[str, Measured]) -> str:
    """Return the report as Markdown; what was not measured is named as such."""
    rows = [row for row in ROWS if row.name in measured]
    sections = [
        ["# Speed", "", *_how(measured)],
        _table(ROW_HEADER, [_row(row, measured[row.name]) for row in rows]),
        _missed(rows, measured),
        _limits(measured),
        _growths(measured),
        _found_beside(rows, measured),
        _not_measured(measured),
        _peers(),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def verdict(row: Row, found: Measured) -> str:
    """Say whether the aims of a row are met."""
    theirs = found.peer
    if row.tolerance is not None and max(theirs.facts.values()) > row.tolerance:
        return f"missed: results differ by more than {row.tolerance:g}"
    if found.ratio < row.aim or found.ours.rate < (row.aim_rate or 0):
        return "missed"
    if row.less_memory and (found.ours.peak_mb or 0) > (theirs.peak_mb or 0):
        return "missed: more memory"
    return "met"


def limit_verdict(limit: Limit, found: Measured) -> str:
    """Say whether a limit is kept."""
    return "met" if found.ours.rate <= limit.limit else "missed"


def _row(row: Row, found: Measured) -> tuple[str, ...]:
    theirs = found.peer
    aim = f"{row.aim:g} x" + (f", {row.aim_rate:,.0f}/s" if row.aim_rate else "")
    aim += ", less memory" if row.less_memory else ""
    return (
        row.work + (f" ({row.note})" if row.note else ""),
        f"{_rate(found.ours.rate)} {row.unit}/s",
        f"{_rate(theirs.rate)} {row.unit}/s",
        f"**{found.ratio:.3g}**",
        f"{aim}: {verdict(row, found)}",
        f"{_percent(found.ours.accuracy)} / {_percent(theirs.accuracy)}",
        f"{_megabytes(found.ours.peak_mb)} / {_megabytes(theirs.peak_mb)}",
    )


def _missed(rows: Iterable[Row], measured: Mapping[str, Measured]) -> list[str]:
    """Reason and profile of each row that misses its aim."""
    lines = []
    for row in rows:
        if verdict(row, measured[row.name]) != "met":
            reason = REASONS.get(row.name, "The reason is not known yet.")
            lines.append(f"- `{row.name}`: {reason}{_profile(measured[row.name])}")
    return ["## Rows that miss their aim", "", *lines] if lines else []


def _profile(found: Measured) -> str:
    shares = found.facts.get("profile", {})
    listed = ", ".join(f"`{name}` {100 * share:.0f} %" for name, share in shares.items())
    return f" Profile: {listed}." if listed else ""


def _limits(measured: Mapping[str, Measured]) -> list[str]:
    rows = [
        (
            limit.work,
            f"{_rate(measured[limit.name].ours.rate)} {limit.unit}".strip(),
            f"{limit.limit:,g} {limit.unit}".strip()
            + f": {limit_verdict(limit, measured[limit.name])}",
        )
        for limit in LIMITS
        if limit.name in measured
    ]
    return ["## Limits", "", *_table(("what", "measured", "limit"), rows)] if rows else []


def _growths(measured: Mapping[str, Measured]) -> list[str]:
    rows = []
    for growth in GROWTHS:
        if growth.name in measured:
            sizes, seconds = points(measured[growth.name])
            spans = [f"{sizes[0]:,.0f} to {sizes[-1]:,.0f}"]
            spans.append(f"{_rate(seconds[0])} to {_rate(seconds[-1])} s")
            rows.append((growth.work, *spans, f"{slope(sizes, seconds):.2f}"))
    header = ("`proto-net`, cached 640-d embeddings", "from, to", "seconds", "slope at the end")
    plot = f"![seconds by size]({PLOT})"
    how = "A slope of 1 is proportional growth; queries are 15 a class, so ways add queries too."
    return ["## How time grows", "", how, "", *_table(header, rows), "", plot] if rows else []


def _found_beside(rows: Iterable[Row], measured: Mapping[str, Measured]) -> list[str]:
    """What the sides found beside their rates, a line each."""
    found = [
        f"- `{row.name}`, {fact}: {value:.3g}"
        for row in rows
        for side in (measured[row.name].ours, measured[row.name].peer)
        for fact, value in side.facts.items()
    ]
    return ["## Found beside the rates", "", *found] if found else []


def _not_measured(measured: Mapping[str, Measured]) -> list[str]:
    names = [entry.name for entries in (ROWS, LIMITS, GROWTHS) for entry in entries]
    missing = [f"`{name}`" for name in names if name not in measured]
    return [f"Not measured yet: {', '.join(missing)}."] if missing else []


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, ("---", *["---:"] * (len(header) - 1)), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _megabytes(peak: float | None) -> str:
    return "-" if peak is None else f"{peak:,.0f}"


def _percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{100 * accuracy:.1f}"


def _how(measured: Mapping[str, Measured]) -> list[str]:
    repeats = {len(m.ours.rates) for m in measured.values()}
    threads = {m.facts["threads"] for m in measured.values()}
    commits = ", ".join(sorted({m.facts["commit"] for m in measured.values()}))
    quick = [f"`{name}`" for name, m in measured.items() if m.facts["quick"]]
    lines = [
        "Written by `make bench`; not edited by hand. Both sides of a row read the same inputs and",
        "run in turn in processes of their own; rates are medians. Both sides sample episodes of",
        "their own while they are timed. Accuracies are those of the same "
        f"{N_CHECKED} episodes on both",
        "sides, and show that both do the same work; peak memory is that of the whole process and",
        "of copies that share its work, libraries included.",
        "",
        f"Machine: {_processor()}; no GPU was used; threads: {_listed(threads)}; "
        f"repeats: {_listed(repeats)}.",
        f"Versions: Python {platform.python_version()}, torch {version('torch')}, "
        f"numpy {version('numpy')}, fewshot-bench {version('fewshot-bench')} at {commits}.",
    ]
    if quick:
        lines += ["", f"**Quick run, too short for conclusions:** {', '.join(quick)}."]
    return lines


def _listed(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "-"


def _peers() -> list[str]:
    lines = ["## Peers", "", "Each is installed in an environment of its own:", ""]
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
