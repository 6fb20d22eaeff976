"""Run the benchmark; `python -m bench --help`."""

import argparse
import os
import sys
from pathlib import Path

from bench.inputs import write_inputs
from bench.measure import ROOT, load, measure
from bench.peers import install
from bench.report import verdict, write_report
from bench.rows import ROWS, Row


def main() -> None:
    """Measure what has not been measured yet, then write the report from all there is."""
    options = _parser().parse_args()
    results = options.folder / ("quick" if options.quick else "results")
    results.mkdir(parents=True, exist_ok=True)
    write_inputs(options.folder / "inputs")
    failures = 0
    for row in ROWS:
        if _wanted(row, options, results):
            failures += not _measure_and_tell(row, options, results)
    report = write_report(load(results))
    target = results / "speed.md" if options.quick else ROOT / "reports" / "speed.md"
    target.write_text(report)
    print(f"\n{report}\nWritten to {target}")
    sys.exit(1 if failures else 0)


def _wanted(row: Row, options: argparse.Namespace, results: Path) -> bool:
    if options.only:
        return row.name in options.only
    return options.fresh or not (results / f"{row.name}.json").exists()


def _measure_and_tell(row: Row, options: argparse.Namespace, results: Path) -> bool:
    """Measure a row; one that fails costs only itself."""
    try:
        needed = {row.ours.environment, row.theirs.environment} - {"ours"}
        pythons = {name: install(name, options.folder / "peers") for name in needed}
        pythons["ours"] = Path(sys.executable)
        inputs, repeats = options.folder / "inputs", 1 if options.quick else 3
        found = measure(row, inputs, pythons, repeats, options.quick, options.threads)
    except Exception as error:
        print(f"{row.name}: not measured: {error}", file=sys.stderr)
        return False
    found.save(results)
    print(
        f"{row.name}: {found.ours.rate:.4g} against {found.theirs.rate:.4g} {row.unit}/s, "
        f"{found.ratio:.1f} times; aim {row.aim:g} {verdict(row, found)}",
        flush=True,
    )
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--quick", action="store_true", help="a minute: does everything run?")
    parser.add_argument("--only", nargs="+", choices=names, metavar="ROW", help=", ".join(names))
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each side")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "bench", help="inputs, peers, results"
    )
    return parser


if __name__ == "__main__":
    main()
