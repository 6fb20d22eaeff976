"""Run the benchmark; `python -m bench --help`."""

import argparse
import os
import sys
from pathlib import Path

from bench.inputs import write_inputs
from bench.measure import ROOT, Measured, Runs, jobs, load, measure
from bench.peers import install
from bench.plots import draw, points, slope
from bench.report import PLOT, limit_verdict, verdict, write_report
from bench.rows import GROWTHS, LIMITS, ROWS, Growth, Limit, Row

Entry = Row | Limit | Growth
ENTRIES: tuple[Entry, ...] = (*ROWS, *LIMITS, *GROWTHS)


def main() -> None:
    """Measure what has not been measured yet, then write the report from all there is."""
    options = _parser().parse_args()
    results = options.folder / ("quick" if options.quick else "results")
    write_inputs(options.folder / "inputs")
    failures = 0
    for entry in ENTRIES:
        if _wanted(entry, options, results):
            failures += not _measure_and_tell(entry, options, results)
    reports = results if options.quick else ROOT / "reports"
    measured = load(results)
    report = write_report(measured)
    (reports / "speed.md").write_text(report)
    draw(measured, reports / PLOT)
    print(f"\n{report}\nWritten to {reports / 'speed.md'}")
    sys.exit(1 if failures else 0)


def _wanted(entry: Entry, options: argparse.Namespace, results: Path) -> bool:
    if options.only:
        return entry.name in options.only
    return options.fresh or not (results / f"{entry.name}.json").exists()


def _measure_and_tell(entry: Entry, options: argparse.Namespace, results: Path) -> bool:
    """Measure one entry; one that fails costs only itself."""
    try:
        found = _measure(entry, options)
    except Exception as error:
        print(f"{entry.name}: not measured: {error}", file=sys.stderr)
        return False
    found.save(results)
    print(_told(entry, found), flush=True)
    return True


def _measure(entry: Entry, options: argparse.Namespace) -> Measured:
    needed = {job.environment for job in jobs(entry).values()} - {"ours"}
    pythons = {name: install(name, options.folder / "peers") for name in needed}
    pythons["ours"] = Path(sys.executable)
    runs = Runs(options.folder / "inputs", pythons, options.quick, options.threads)
    found = measure(entry, runs)
    if isinstance(entry, Row) and entry.profile and verdict(entry, found) != "met":
        found.facts["profile"] = runs.run(entry.profile)["facts"]
    return found


def _told(entry: Entry, found: Measured) -> str:
    if isinstance(entry, Growth):
        return f"{entry.name}: slope {slope(*points(found)):.2f}"
    if isinstance(entry, Limit):
        said = limit_verdict(entry, found)
        return f"{entry.name}: {found.ours.rate:.4g} {entry.unit}; limit {entry.limit:g} {said}"
    return (
        f"{entry.name}: {found.ours.rate:.4g} against {found.peer.rate:.4g} {entry.unit}/s, "
        f"{found.ratio:.1f} times; aim {entry.aim:g} {verdict(entry, found)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [entry.name for entry in ENTRIES]
    parser.add_argument("--quick", action="store_true", help="minutes: does everything run?")
    parser.add_argument("--only", nargs="+", choices=names, metavar="ROW", help=", ".join(names))
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each side")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "bench", help="inputs, peers, results"
    )
    return parser


if __name__ == "__main__":
    main()
