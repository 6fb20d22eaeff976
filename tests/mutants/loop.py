"""The plugin of pytest that collects the tests once and tries them on one mutant after another."""

import gc
import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.mutants.coverage_map import CoverageMap, Recorded
from tests.mutants.forks import TIMED_OUT, in_a_copy
from tests.mutants.mutant import Mutant, mutated
from tests.mutants.outcomes import Fate, Outcome, Outcomes
from tests.mutants.transplant import transplant

_EXAMPLES = 30  # of Hypothesis: what needs more to be noticed is noticed by luck


class MutationLoop:
    """Runs, in place of the tests, each mutant against those tests that can notice it.

    Args:
        root: of the repository.
        mutants: to be tried.
        coverage: which tests run what.
        outcomes: where the outcomes are kept.
        scratch: folder of the tests' temporary files.
        budget: seconds of tests that a mutant is worth; the quick ones come first.
        again: try those that lived with all tests, not with new ones alone.
    """

    def __init__(
        self,
        root: Path,
        mutants: list[Mutant],
        coverage: CoverageMap,
        outcomes: Outcomes,
        scratch: Path,
        budget: float,
        again: bool = False,
    ) -> None:
        self.root, self.mutants, self.coverage = root, mutants, coverage
        self.outcomes, self.scratch, self.budget = outcomes, scratch, budget
        self.again = again
        self.items: dict[str, pytest.Item] = {}
        self.failed = False
        self.kept: set[Path] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let Hypothesis draw the same few examples each time, and shrink none."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutants",
            deadline=None,
            database=None,
            derandomize=True,
            phases=phases,
            max_examples=_EXAMPLES,
        )
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test failed."""
        self.failed = self.failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Record what is not recorded, and try the mutants."""
        if session.testsfailed:
            raise pytest.UsageError("there are tests that cannot be collected; run pytest")
        self.items = {item.nodeid: item for item in session.items}
        self._warm_up()
        self._record()
        told = time.monotonic()
        for number, mutant in enumerate(self.mutants, 1):
            self._try(mutant)
            if time.monotonic() - told > 30 or number == len(self.mutants):
                told = time.monotonic()
                print(f"{number} of {len(self.mutants)} mutants, {mutant.room}", flush=True)
        return True

    def _warm_up(self) -> None:
        """Make the store that tests copy, once for all copies of this process."""
        needing = (
            x for x in self.items.values() if "empty_store" in getattr(x, "fixturenames", ())
        )
        if item := next(needing, None):
            others = (x for x in self.items.values() if x.path.parent != item.path.parent)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=next(others, None))
        self.kept = {*self.scratch.rglob("*")}
        gc.collect()
        gc.freeze()  # a collection in a copy would touch, and so copy, all that there is

    def _record(self) -> None:
        missing = self.coverage.missing(self.items)
        for file, tests in groupby(missing, key=lambda test: test.partition("::")[0]):
            print(f"recording what {file} covers", flush=True)
            names = [*tests]

            def record(names: list[str] = names) -> None:
                self.coverage.record(names, lambda test: self._first_to_fail([test]) is None)

            in_a_copy(record, cpu=3600, wall=36_000)
            self._clean()
        self.coverage = self.coverage.reload()
        if failing := self.coverage.failing(self.items):
            print(f"{len(failing)} tests fail without any mutant, and notice none:", *failing)

    def _try(self, mutant: Mutant) -> None:
        """Find out what becomes of a mutant, unless that is known or no new test is there."""
        known = self.outcomes.of(mutant)
        if known and not known.lived:
            return
        before = known.tried if known and not self.again else []
        covering = self.coverage.covering(mutant, self.items)
        tests = self._affordable(test for test in covering if test.test not in before)
        if tests:
            self.outcomes.add(self._trial(mutant, tests, before))
        elif known is None:
            self.outcomes.add(Outcome(mutant.key, mutant.digest, "no test"))

    def _affordable(self, tests: Iterable[Recorded]) -> list[Recorded]:
        chosen: list[Recorded] = []
        for test in tests:
            if chosen and sum(one.seconds for one in chosen) + test.seconds > self.budget:
                break
            chosen.append(test)
        return chosen

    def _trial(self, mutant: Mutant, tests: list[Recorded], before: list[str]) -> Outcome:
        names, seconds = [one.test for one in tests], sum(one.seconds for one in tests)

        def attempt() -> dict[str, Any]:
            before = {*sys.modules}
            fate, by = self._fate(mutant, names)
            return {"fate": fate, "by": by, "imported": sorted({*sys.modules} - before)}

        said = in_a_copy(attempt, cpu=10 + 8 * seconds, wall=120 + 60 * seconds)
        self._clean()
        if isinstance(said, str):
            said = {
                "fate": TIMED_OUT if said == TIMED_OUT else "killed",
                "by": said,
                "imported": [],
            }
        _import(said["imported"])
        lived = said["fate"] == "survived"
        tried = [*before, *names] if lived else []
        return Outcome(mutant.key, mutant.digest, said["fate"], said["by"], tried)

    def _fate(self, mutant: Mutant, tests: list[str]) -> tuple[Fate, str]:
        """Put a mutant in place and try the tests on it, in a copy of this process."""
        module = importlib.import_module(mutant.path[: -len(".py")].replace("/", "."))
        try:
            if not transplant(module, mutated(self.root, mutant)):
                return "not applied", "no function and no value differs"
        except ValueError as error:
            return "not applied", str(error)
        except Exception as error:
            return "killed", f"import: {error!r}"
        by = self._first_to_fail(tests)
        return ("killed", by) if by else ("survived", "")

    def _first_to_fail(self, tests: list[str]) -> str | None:
        self.failed = False
        items = [self.items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return item.nodeid
        return None

    def _clean(self) -> None:
        """Remove what a copy of this process left in the folders that all share."""
        for folder, folders, files in os.walk(self.scratch):
            for name in files:
                if Path(folder, name) not in self.kept:
                    Path(folder, name).unlink(missing_ok=True)
            for name in [name for name in folders if Path(folder, name) not in self.kept]:
                folders.remove(name)
                _remove(Path(folder, name))


def _import(modules: Iterable[str]) -> None:
    """Import here what a copy had to import, so that the next need not."""
    for name in modules:
        with suppress(Exception):  # such as what only the copy could import
            importlib.import_module(name)
    gc.freeze()


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
