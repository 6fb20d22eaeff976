"""Plugins: the installed modules that register methods, backbones and data sets."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PLUGIN_GROUP = "fewshot_bench.plugins"


@cache
def load_plugins() -> None:
    """Import every installed package of the entry-point group, and the modules inside it.

    A third party's methods, backbones and data sets are found the very way ours are. Only
    installed entry points are imported, never a path from a configuration. One that fails is
    named on stderr, and costs its own names alone.
    """
    for name in _entry_points():
        package = _imported(name)
        for module in pkgutil.iter_modules(getattr(package, "__path__", []), name + "."):
            _imported(module.name)


_failed: dict[str, str] = {}  # reasons, by the name of the module


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:200]
        _failed[name] = f"{type(error).__name__}: {text}" if text else type(error).__name__
        print(f"warning: the plugin {name} is left out ({_failed[name]})", file=sys.stderr)
        return None


def why_absent(name: str) -> str | None:
    """Say why there is no such name, if it stands in a plugin that cannot be imported."""
    for module, reason in _failed.items():
        quoted = rf"""["']{re.escape(name)}["']"""
        if any(re.search(quoted, _text(path)) for path in _files_of(module)):
            return f"the plugin {module} cannot be imported ({reason}); mend or uninstall it"
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").lower().replace("_", "-")
    except OSError:
        return ""


def plugin_files() -> Iterator[Path]:
    """Yield the source files of all plugins, and import none of them, but for parent packages."""
    for name in _entry_points():
        yield from _files_of(name)


def _files_of(name: str) -> Iterator[Path]:
    try:
        spec = find_spec(name)
    except Exception:  # of a parent package
        return
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from sorted(Path(folder).glob("*.py"))
    if spec and not spec.submodule_search_locations and spec.origin:
        yield Path(spec.origin)


def _entry_points() -> list[str]:
    return sorted(point.value for point in entry_points(group=PLUGIN_GROUP))
