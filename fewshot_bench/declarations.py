"""What plugins declare, read from their sources: names are listed and completed without torch.

A method is imported together with torch, which takes seconds. Its name, setting and paper are
written down in its file as plain values, and can be read there.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fewshot_bench.paper import Paper
from fewshot_bench.plugins import plugin_files
from fewshot_bench.registry import Registry, canonical


@dataclass(frozen=True)
class Declaration:
    """A registered name as its file declares it.

    Attributes:
        name: canonical; of a family ``prefix:NAME``.
        aliases: canonical, sorted.
        summary: first line of the docstring.
        setting, paper, remark: of a method.
    """

    name: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    setting: str | None = None
    paper: Paper | None = None
    remark: str = ""


Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class _File:
    """A parsed file, and what it defines, by name."""

    tree: ast.Module

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        return {n.name: n for n in self.tree.body if isinstance(n, Definition)}


def from_registry(registry: Registry[Any]) -> list[Declaration]:
    """Say the same of what a registry holds, for plugins that cannot be read."""
    entries = {name: registry[name] for name in registry}
    entries |= {f"{prefix}:NAME": maker for prefix, maker in registry.families.items()}
    return [
        Declaration(
            name,
            tuple(registry.aliases(name)) if name in registry else (),
            (thing.__doc__ or "").strip().partition("\n")[0],
            getattr(thing, "setting", None),
            getattr(thing, "paper", None),
            getattr(thing, "remark", ""),
        )
        for name, thing in sorted(entries.items())
    ]


def declarations(registry: str) -> list[Declaration] | None:
    """Read what is registered in ``methods`` or ``backbones``, sorted by name.

    Returns:
        None if some plugin registers otherwise than by a decorator with literal names: then only
        the registry itself knows, see `from_registry`.
    """
    found: list[Declaration] = []
    mentioned = re.compile(rf"\b{registry}\.(register|family)\(")
    for path in plugin_files():
        if not (mentions := len(mentioned.findall(path.read_text("utf-8", "replace")))):
            continue
        try:
            file = _parse(path)
        except (SyntaxError, ValueError, RecursionError):  # nor can Python read it
            continue
        calls = [(node, call) for node in file.definitions.values() if (call := _call(node))]
        mine = [c for c in calls if mentioned.match(ast.unparse(c[1])) and _is_literal(c[1])]
        if len(mine) != mentions:
            return None
        found += [_declaration(file, node, call) for node, call in mine if _is_there(call)]
    return sorted(found, key=lambda declared: declared.name)


def _call(node: Definition) -> ast.Call | None:
    """Return the call that decorates a definition, the outermost one."""
    call = node.decorator_list[0] if node.decorator_list else None
    return call if isinstance(call, ast.Call) else None


def _is_literal(call: ast.Call) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) for value in values)


def _is_there(call: ast.Call) -> bool:
    """False if the library of an extra lacks."""
    extras = [ast.literal_eval(k.value) for k in call.keywords if k.arg == "extra"]
    return not extras or find_spec(extras[0]) is not None


def _declaration(file: _File, node: Definition, call: ast.Call) -> Declaration:
    given = [ast.literal_eval(name) for name in call.args]
    name, *aliases = map(canonical, given)
    if ast.unparse(call.func).endswith(".family"):
        name = f"{given[0]}:NAME"
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    setting = paper = remark = None
    if isinstance(node, ast.ClassDef):
        setting = _literal(_attribute(file, node, "setting"))
        paper = _paper(_attribute(file, node, "paper"))
        remark = _literal(_attribute(file, node, "remark"))
    return Declaration(name, tuple(sorted(aliases)), summary, setting, paper, remark or "")


def _attribute(file: _File, node: ast.ClassDef, name: str) -> ast.expr | None:
    """Find what a class attribute is set to, in the class or in the nearest base that says so."""
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else []
        targets = [line.target] if isinstance(line, ast.AnnAssign) else targets
        if isinstance(line, ast.Assign | ast.AnnAssign) and name in map(ast.unparse, targets):
            return line.value
    found = (_attribute(*base, name) for base in _bases(file, node))
    return next((value for value in found if value is not None), None)


def _bases(file: _File, node: ast.ClassDef) -> Iterator[tuple[_File, ast.ClassDef]]:
    """Yield base classes that are in the file, or imported into it by ``from MODULE import``."""
    imports = [i for i in file.tree.body if isinstance(i, ast.ImportFrom) and not i.level]
    modules = {a.asname or a.name: (str(i.module), a.name) for i in imports for a in i.names}
    for name in map(ast.unparse, node.bases):
        module, real = modules.get(name, (None, name))
        origin = _parse_module(module) if module else file
        base = origin.definitions.get(real) if origin else None
        if origin and isinstance(base, ast.ClassDef):
            yield origin, base


def _literal(value: ast.expr | None) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _paper(value: ast.expr | None) -> Paper | None:
    if not isinstance(value, ast.Call):
        return None
    return Paper(
        *map(ast.literal_eval, value.args),
        **{str(k.arg): ast.literal_eval(k.value) for k in value.keywords},
    )


def _parse_module(name: str) -> _File | None:
    spec = find_spec(name)
    return _parse(Path(spec.origin)) if spec and spec.origin else None


@cache
def _parse(path: Path) -> _File:
    return _File(ast.parse(path.read_text("utf-8")))
