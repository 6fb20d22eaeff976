"""A digest of the code that a method or a backbone consists of."""

import ast
import copy
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from fewshot_bench.utilities.files import stable_hash

# Changes of the harness itself are told by ALGORITHM_VERSION and by the version in every run.
HARNESS = "fewshot_bench"
PLUGGED_IN = tuple(f"{HARNESS}.{part}." for part in ("methods", "baselines", "backbones"))
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_digest(*things: type | Callable[..., object]) -> str:
    """Hash the files that classes or functions come from, and what these import from beside them.

    Layout, comments, docstrings and import lines do not count, nor do the harness itself and other
    packages: what is imported from beside is hashed as well, and the rest may move.
    """
    found: dict[str, str] = {}
    waiting = [name for thing in things for name in _modules_of(thing)]
    while waiting:
        name = waiting.pop()
        if name not in found and (file := getattr(sys.modules.get(name), "__file__", None)):
            tree = _tree(Path(file), Path(file).stat().st_mtime_ns)
            found[name] = stable_hash(_without_words(tree))
            package = sys.modules[name].__package__ or ""
            waiting += [n for n in _imported(tree, package) if _beside(n, name)]
    return stable_hash(found)


def _modules_of(thing: type | Callable[..., object]) -> list[str]:
    bases = thing.__mro__ if isinstance(thing, type) else (thing,)
    root = str(thing.__module__)
    return [b.__module__ for b in bases if b is thing or _beside(b.__module__, root)]


def _beside(name: str, other: str) -> bool:
    """True for modules of one package that are no part of the harness."""
    package = name.partition(".")[0]
    if package != other.partition(".")[0]:
        return False
    return package != HARNESS or name.startswith(PLUGGED_IN)


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Names of modules that a file of a package imports, and of what may be modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@cache
def _tree(file: Path, _changed: int) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _without_words(tree: ast.Module) -> str:
    """Write a file's code anew, without docstrings and imports; dumps differ between Pythons."""
    return ast.unparse(_Bare().visit(copy.deepcopy(tree)))


class _Bare(ast.NodeTransformer):
    """Leaves out docstrings and imports; a block that they were alone in says ``pass``."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        super().generic_visit(node)
        if not isinstance(node, ast.Module) and getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def visit_Import(self, node: ast.Import) -> None:
        """Leave the line out."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Leave the line out."""
