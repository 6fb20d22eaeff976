"""Remake what is shown of finished studies from their files: ``python -m bench.results``.

Tables and figures go to ``reports/``, pages about whole studies to ``build/reports/``. A table of
README.md or docs/ that stands below a comment with its command, as

    <!-- fsbench table --results reports/cifar-fs.parquet -->

is written anew, and so is one of ``fsbench compare``; the notes below it are left out.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXTS = ("README.md", "docs/*.md")
CHOSEN = {  # of a file with several protocols: what its figure shows
    "omniglot": "--ways 20",
    "wrn-28-10": "--episodes 10000",
}
_TABLE = re.compile(r"^<!-- (fsbench (?:table|compare) .*) -->\n+(?:\|.*\n)*\n*", re.M)


def main() -> None:
    """Write everything, and say what."""
    (ROOT / "build" / "reports").mkdir(parents=True, exist_ok=True)
    for command in commands():
        print(command, flush=True)
        output(command)
    for path in sorted(path for pattern in TEXTS for path in ROOT.glob(pattern)):
        text = path.read_text("utf-8")
        if (new := _TABLE.sub(_written, text).rstrip("\n") + "\n") != text:
            path.write_text(new, "utf-8")
            print(f"{path.relative_to(ROOT)}: tables", flush=True)


def commands() -> Iterator[str]:
    """Yield the commands that make the table, the figures and the page of each file of results."""
    for file in sorted((ROOT / "reports").glob("*.parquet")):
        source, target = f"--results reports/{file.name}", f"reports/{file.stem}"
        yield f"fsbench table {source} --significance -o {target}.md"
        chosen = " ".join([source, "--query-balance balanced", CHOSEN.get(file.stem, "")]).strip()
        yield f"fsbench plot accuracies {chosen} -o {target}.png"
        yield f"fsbench report {source} -o build/{target}.html"


def tables(text: str) -> list[tuple[str, str]]:
    """Return each command that a text has for a table, and the table that stands there."""
    return [(found[1], rows_of(found[0])) for found in _TABLE.finditer(text)]


def output(command: str) -> str:
    """Run a command of fsbench in the root of the repository, and return what it prints.

    Raises:
        CalledProcessError: it failed; what it says has been printed.
    """
    _, *arguments = shlex.split(command)
    run = [sys.executable, "-m", "fewshot_bench", *arguments]
    return subprocess.run(run, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def _written(found: re.Match[str]) -> str:
    return f"<!-- {found[1]} -->\n\n{rows_of(output(found[1]))}\n"


def rows_of(text: str) -> str:
    """The lines of the first table of a text."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if line.startswith("|")), len(lines))
    return "".join(takewhile(lambda line: line.startswith("|"), lines[first:]))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # which has been told why
