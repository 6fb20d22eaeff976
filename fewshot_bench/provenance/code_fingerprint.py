"""Whether any code that could matter was touched, told without importing it."""

from pathlib import Path

from fewshot_bench.plugins import plugin_files
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.version import __version__


def code_fingerprint() -> str:
    """Hash names, sizes and times of change of all source files of the harness and its plugins.

    It changes with every edit, also of comments, and is no part of any result: it only says that
    what was worked out by this code before would come out the same.
    """
    harness = Path(__file__).parents[1].rglob("*.py")
    files = sorted({*harness, *plugin_files()})
    facts = [(str(f), s.st_size, s.st_mtime_ns) for f in files for s in (f.stat(),)]
    return stable_hash([__version__, facts])
