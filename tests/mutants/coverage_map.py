"""Which test runs which lines, and in how many seconds: recorded once, kept in a file."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.mutants.mutant import ROOMS, Mutant


@dataclass(frozen=True)
class Recorded:
    """What is known of a test.

    Attributes:
        test: node id.
        passed: a test that fails without any mutant says nothing of one.
        seconds: of computing.
        lines: that it runs, of each module.
        digests: of its own file and of these modules, when it was recorded.
    """

    test: str
    passed: bool
    seconds: float
    lines: dict[str, list[int]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class CoverageMap:
    """The tests that can notice a mutant.

    Args:
        root: of the repository.
        file: where the map is kept, a line for each test.
    """

    def __init__(self, root: Path, file: Path) -> None:
        self.root, self.file = root, file
        self._digests: dict[str, str] = {}
        lines = file.read_text().splitlines() if file.exists() else []
        self.tests = {record.test: record for record in (Recorded(**json.loads(x)) for x in lines)}

    def missing(self, tests: Iterable[str]) -> list[str]:
        """Name the tests that were never recorded, or have changed, or run code that has."""
        return [test for test in tests if test not in self.tests or self._stale(self.tests[test])]

    def failing(self, tests: Iterable[str]) -> list[str]:
        """Name the tests that failed when they were recorded, and so notice nothing."""
        return [test for test in tests if test in self.tests and not self.tests[test].passed]

    def _stale(self, record: Recorded) -> bool:
        return any(self._digest(path) != digest for path, digest in record.digests.items())

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            file = self.root / path
            content = file.read_bytes() if file.exists() else b""
            self._digests[path] = hashlib.sha256(content).hexdigest()[:12]
        return self._digests[path]

    def record(self, tests: Sequence[str], run: Callable[[str], bool]) -> None:
        """Run tests and keep what they ran; in a copy of the process, see `reload`.

        Args:
            tests: node ids.
            run: runs one, and returns whether it passed.
        """
        import coverage  # only in the environment of `make mutants`

        rooms = [str(self.root / "fewshot_bench" / room / "*") for room in ROOMS]
        measured = coverage.Coverage(data_file=None, include=rooms)
        measured.start()
        taken = []
        for test in tests:
            measured.switch_context(test)
            began = time.process_time()
            taken.append((test, run(test), time.process_time() - began))
        measured.stop()
        data, found = measured.get_data(), {test: dict[str, list[int]]() for test in tests}
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                for test in filter(found.__contains__, contexts):
                    name = str(Path(path).relative_to(self.root))
                    found[test].setdefault(name, []).append(line)
        self._keep([self._recorded(*facts, found[facts[0]]) for facts in taken])

    def _recorded(
        self, test: str, passed: bool, seconds: float, lines: dict[str, list[int]]
    ) -> Recorded:
        digests = {path: self._digest(path) for path in (test.partition("::")[0], *lines)}
        return Recorded(test, passed, round(seconds, 3), lines, digests)

    def _keep(self, records: list[Recorded]) -> None:
        with self.file.open("a") as file:
            file.writelines(json.dumps(asdict(record)) + "\n" for record in records)

    def reload(self) -> "CoverageMap":
        """Return the map with what a copy of this process has recorded since."""
        return CoverageMap(self.root, self.file)

    def covering(self, mutant: Mutant, known: Iterable[str]) -> list[Recorded]:
        """The tests among `known` that run a mutant's code, its module's own first."""
        found, own = [], f"/test_{Path(mutant.path).stem}.py::"
        for record in (self.tests[test] for test in known if test in self.tests):
            lines = record.lines.get(mutant.path)
            if record.passed and lines and (not mutant.lines or {*lines} & {*mutant.lines}):
                found.append(record)
        return sorted(found, key=lambda record: (own not in record.test, record.seconds))
