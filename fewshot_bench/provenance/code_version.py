"""Which code made a result: the package's version, and its git commit where there is one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from fewshot_bench.version import __version__


@dataclass(frozen=True)
class CodeVersion:
    """The code that is running.

    Attributes:
        package: version of fewshot_bench.
        commit: full git hash, or None if the package does not lie in a checkout of its own.
        dirty: True if some Python file differs from that commit.
    """

    package: str
    commit: str | None = None
    dirty: bool = False

    def __str__(self) -> str:
        if self.commit is None:
            return self.package
        return f"{self.package}+{self.commit[:12]}{'.dirty' if self.dirty else ''}"


def code_version(package: Path = Path(__file__).parents[1]) -> CodeVersion:
    """Ask git about the folder `package`; without git or a checkout the version alone is known."""
    try:
        # A virtual environment inside somebody's checkout is not tracked there: only a package
        # that the repository itself holds is described by the repository's commit.
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD")
        changes = _git(package, "status", "--porcelain", "--", ":/*.py")
    except (OSError, subprocess.SubprocessError):
        return CodeVersion(__version__)
    return CodeVersion(__version__, commit, bool(changes))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
