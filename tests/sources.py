"""The project's sources, read without running them: who imports whom, how long a function is."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "fewshot_bench"
INSTALLED = {  # as pyproject.toml says
    "fewshot_bench": "fewshot_bench",
    "methods": "fewshot_bench/methods",
    "baselines": "fewshot_bench/baselines",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of a package.

    Attributes:
        name: with all its packages, ``fewshot_bench.data.store``.
        package: what its relative imports start from.
        tree: its code.
    """

    name: str
    package: str
    tree: ast.Module = field(repr=False)


def installed_files() -> dict[str, str]:
    """Text of every file of the package, by its path as it is installed."""
    return {
        f"{place}/{file.relative_to(ROOT / folder).as_posix()}": file.read_text("utf-8")
        for folder, place in INSTALLED.items()
        for file in sorted((ROOT / folder).rglob("*.py"))
    }


def parse(files: Mapping[str, str]) -> dict[str, Module]:
    """Modules by their names, from texts by their paths."""
    modules = {}
    for path, text in files.items():
        name = path.removesuffix(".py").replace("/", ".")
        package = name.rpartition(".")[0]
        if name.endswith(".__init__"):
            name = package
        modules[name] = Module(name, package, ast.parse(text))
    return modules


def made_up(files: Mapping[str, str]) -> dict[str, Module]:
    """A package of these files; ``data/store`` is ``fewshot_bench/data/store.py``."""
    return parse({f"{PACKAGE}/{name}.py": text for name, text in files.items()})


def imported_names(module: Module) -> Iterator[str]:
    """Yield the full name of whatever is imported, anywhere in the file.

    ``from a.b import c`` yields ``a.b.c``, be it a module or not; ``import_module("a.b")`` counts.
    """
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=origin, names=aliases, level=level):
                start = resolve_name("." * level + (origin or ""), module.package)
                yield from (f"{start}.{alias.name}" for alias in aliases)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield resolve_name(name, module.package)


def dotted_strings(module: Module) -> Iterator[str]:
    """Yield what may name a module in a string: ``a.b``, or ``a.b:c``; docstrings are no names."""
    docstrings = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            if "." in name and id(node) not in docstrings:
                yield name


def imports(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Which modules each module imports or names, itself left out.

    A package counts only where one of its own names is imported, not on the way to a module in it.
    """
    found = {}
    for name, module in modules.items():
        targets = {_module_of(imported, modules) for imported in imported_names(module)}
        targets |= modules.keys() & set(dotted_strings(module))
        found[name] = targets - {"", name}
    return found


def _module_of(name: str, modules: Iterable[str]) -> str:
    """The module that a name is in, or is; empty if it is none of ours."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A chain of modules, each of which imports the next, back to the first; empty if none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        chain: list[str] = error.args[1]
        return chain[::-1]
    return []


def functions(module: Module) -> list[Function]:
    """All functions and methods, those within others too."""
    return [node for node in ast.walk(module.tree) if isinstance(node, Function)]


def body_lines(function: Function) -> int:
    """Lines after signature and docstring, with comments and blank lines."""
    first = function.body[0]
    end = function.end_lineno or 0
    if ast.get_docstring(function) is not None:
        return end - (first.end_lineno or 0)
    return end - first.lineno + 1


def length(function: Function) -> int:
    """Lines from the signature to the end."""
    return (function.end_lineno or 0) - function.lineno + 1


def long_files(folder: Path, most: int) -> dict[str, int]:
    """Files of Python, at any depth, with more lines than `most`."""
    files = {file: file.read_text("utf-8") for file in folder.rglob("*.py")}
    lines = {file.relative_to(folder).as_posix(): text.count("\n") for file, text in files.items()}
    return {name: n for name, n in lines.items() if n > most}
