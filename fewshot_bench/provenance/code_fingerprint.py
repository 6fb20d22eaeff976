"""Whether any code that could matter was touched, told without importing it."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from fewshot_bench.plugins import plugin_files
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.version import __version__

_ROUNDING = ("torch", "numpy", "scipy", "scikit-learn")


def code_fingerprint() -> str:
    """Hash names, sizes and times of change of all source files of the harness and its plugins.

    It changes with every edit, also of comments, and is no part of any result: it only says that
    what was worked out by this code before would come out the same.
    """
    facts = [(str(f), s.st_size, s.st_mtime_ns) for f in _files() for s in (f.stat(),)]
    return stable_hash([__version__, facts])


def installed_code() -> str:
    """Hash all that an installation computes with: it is the same on machines that agree.

    That is the content of all source files of the harness and its plugins, and the versions of
    the libraries that round numbers.
    """
    contents = sorted((f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in _files())
    return stable_hash([contents, [(name, version(name)) for name in _ROUNDING]])


def _files() -> list[Path]:
    harness = Path(__file__).parents[1].rglob("*.py")
    return sorted({*harness, *plugin_files()})
