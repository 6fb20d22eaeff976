"""Plugins: the installed modules that register methods, backbones and data sets."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

PLUGIN_GROUP = "fewshot_bench.plugins"


@cache
def load_plugins() -> None:
    """Import every installed package of the entry-point group, and the modules inside it.

    A third party's methods, backbones and data sets are found the very way ours are. Only
    installed entry points are imported, never a path from a configuration.
    """
    for name in _entry_points():
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(getattr(package, "__path__", []), name + "."):
            importlib.import_module(module.name)


def plugin_files() -> Iterator[Path]:
    """Yield the source files of all plugins, and import none of them, but for parent packages."""
    for name in _entry_points():
        spec = find_spec(name)
        if spec is None:
            continue
        for folder in spec.submodule_search_locations or ():
            yield from sorted(Path(folder).glob("*.py"))
        if not spec.submodule_search_locations and spec.origin:
            yield Path(spec.origin)


def _entry_points() -> list[str]:
    return sorted(point.value for point in entry_points(group=PLUGIN_GROUP))
