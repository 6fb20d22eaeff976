"""``python -m tests.mutants``: see docs/mutation.md."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tests.mutants.mutant import ROOMS, Mutant
from tests.mutants.outcomes import Outcomes, sampled, survivors, table

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "mutants"


def main() -> int:
    """Try mutants, and say what became of them; returns the exit status."""
    asked = _asked()
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"  # a process with threads of torch's cannot be copied
    KEPT.mkdir(parents=True, exist_ok=True)
    outcomes = Outcomes(KEPT / "outcomes.jsonl")
    chosen = sampled(ROOT, asked.room or ROOMS, asked.sample, asked.seed)
    status = 0 if asked.report else _run(asked, chosen, outcomes)
    print(table(ROOT, outcomes, chosen), "", *survivors(outcomes, chosen), sep="\n")
    return status


def _run(asked: argparse.Namespace, chosen: list[Mutant], outcomes: Outcomes) -> int:
    import pytest

    from tests.mutants.coverage_map import CoverageMap
    from tests.mutants.loop import MutationLoop

    scratch = KEPT / f"scratch-{os.getpid()}"
    coverage = CoverageMap(ROOT, KEPT / "coverage.jsonl")
    loop = MutationLoop(ROOT, chosen, coverage, outcomes, scratch, asked.budget, asked.again)
    plugins = [f"-pno:{name}" for name in ("terminal", "xdist", "cacheprovider")]
    options = [*plugins, f"--basetemp={scratch}", "-o", "addopts=--strict-markers"]
    options += ["-m", "not slow"]  # these start processes, which run the code as it is written
    tests = asked.tests or [f"tests/{room}" for room in asked.room or ROOMS]
    try:
        return int(pytest.main([*options, *tests], plugins=[loop]))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--room", action="append", choices=ROOMS, help="default: all of them")
    parser.add_argument("--sample", type=int, help="mutants of a room, drawn; default: all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--budget", type=float, default=10, help="seconds of tests for a mutant")
    parser.add_argument("--again", action="store_true", help="try survivors anew, with all tests")
    parser.add_argument("--report", action="store_true", help="try none; say what is known")
    parser.add_argument("--tests", nargs="+", help="default: those of the rooms")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
