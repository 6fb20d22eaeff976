"""Every mutant of a module, found by walking its syntax tree."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.operators import alternatives

ROOMS = (
    *("episodes", "evaluation", "statistics", "training", "tracking"),
    *("report", "report/study_page", "report/figures"),
)
_DRAW = (
    "report/figures/",
    "episodes/picture.py",
    "episodes/lettering.py",
    "tracking/drawing.py",
)
_SKIPPED = {"annotation", "returns", "decorator_list", "type_params", "ctx", "op", "ops"}
_TYPES = {"TypeVar", "cast", "Literal", "ParamSpec"}


@dataclass(frozen=True)
class Mutant:
    """One change to a module.

    Attributes:
        path: of the module in the repository.
        function: whose code changes, with its classes; empty outside of any.
        line: where the changed code begins.
        before, after: the code.
        nth: of equal changes in one function, counted from 0.
        lines: a test that runs none of these cannot notice; none: any test of the module may.
        digest: of the source of the function or statement at the top of the module.
        place: of the change among all of the module.
    """

    path: str
    function: str
    line: int
    before: str
    after: str
    nth: int
    lines: tuple[int, ...]
    digest: str
    place: int

    @property
    def key(self) -> str:
        """Name of the change, which stays while other functions change."""
        return f"{self.path}::{self.function}::{self.before} -> {self.after}::{self.nth}"

    @property
    def room(self) -> str:
        """Room of the module; a folder in a room is one of its own."""
        return "/".join(Path(self.path).parts[1:-1])


@dataclass(frozen=True)
class _Change:
    """A node of a tree, and what is put in its place."""

    parent: ast.AST
    field: str
    index: int | None
    old: ast.AST
    new: ast.AST | None
    function: str
    lines: tuple[int, ...]
    top: ast.AST

    def make(self) -> None:
        """Change the tree."""
        if self.index is None:
            setattr(self.parent, self.field, self.new)
            return
        siblings = getattr(self.parent, self.field)
        siblings[self.index : self.index + 1] = [] if self.new is None else [self.new]


@dataclass(frozen=True)
class _Where:
    """What is known of a node from those above it."""

    function: str = ""
    lines: tuple[int, ...] = ()
    wording: bool = False
    drawing: bool = False
    inside: bool = False  # the body of a function


def mutants(root: Path, path: str) -> list[Mutant]:
    """List the mutants of a module of the repository at `root`."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for place, change in enumerate(_changes(ast.parse((root / path).read_text()), path)):
        before, after = _first_line(change.old), _first_line(change.new)
        nth, line = seen[change.function, before, after], getattr(change.old, "lineno", 0)
        seen[change.function, before, after] += 1
        digest = hashlib.sha256(ast.unparse(change.top).encode()).hexdigest()[:12]
        where = (path, change.function, line, before, after, nth)
        found.append(Mutant(*where, change.lines, digest, place))
    return found


def _first_line(node: ast.AST | None) -> str:
    return ast.unparse(node).partition("\n")[0] if node else "(nothing)"


def mutated(root: Path, mutant: Mutant) -> ast.Module:
    """Return the tree of the module with the change made."""
    tree = ast.parse((root / mutant.path).read_text())
    for place, change in enumerate(_changes(tree, mutant.path)):
        if place == mutant.place:
            change.make()
            return ast.fix_missing_locations(tree)
    raise LookupError(mutant.key)


def _changes(tree: ast.Module, path: str) -> Iterator[_Change]:
    drawing = any(part in path for part in _DRAW)
    for index, statement in enumerate(tree.body):
        if not _carries_nothing(statement):
            found = _walk(tree, "body", index, statement, _Where(drawing=drawing), statement)
            yield from found


def _walk(
    parent: ast.AST, field: str, index: int | None, node: ast.AST, where: _Where, top: ast.AST
) -> Iterator[_Change]:
    if _carries_nothing(node):
        return
    where = _seen_from(node, where)
    for new in alternatives(node, where.wording, where.drawing):
        placed = new and ast.copy_location(new, node)
        yield _Change(parent, field, index, node, placed, where.function, where.lines, top)
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED:
            continue
        below = where
        if name == "body" and isinstance(node, ast.FunctionDef):
            below = _Where(where.function, where.lines, where.wording, where.drawing, inside=True)
        if isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _in_list(node, name, place, item, below, top)
        elif isinstance(value, ast.AST):
            yield from _walk(node, name, None, value, below, top)


def _in_list(
    node: ast.AST, name: str, place: int, item: ast.AST, where: _Where, top: ast.AST
) -> Iterator[_Change]:
    if isinstance(node, ast.comprehension) and name == "ifs":
        yield _Change(node, name, place, item, None, where.function, where.lines, top)
    yield from _walk(node, name, place, item, where, top)


def _seen_from(node: ast.AST, where: _Where) -> _Where:
    function, lines, wording = where.function, where.lines, where.wording
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}" if function else node.name
    if isinstance(node, ast.FunctionDef):
        lines = tuple(range(node.body[0].lineno, (node.end_lineno or 0) + 1))
    elif where.inside and isinstance(node, ast.stmt):
        lines = _lines(node)
    if isinstance(node, ast.Raise | ast.JoinedStr):
        wording = True
    return _Where(function, lines, wording, where.drawing, where.inside)


def _lines(node: ast.stmt) -> tuple[int, ...]:
    """Lines of a statement; of one that holds others, those of its head."""
    body = getattr(node, "body", None)
    last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
    return tuple(range(node.lineno, last + 1))


def _carries_nothing(node: ast.AST) -> bool:
    """True of docstrings, imports, `__all__` and what is there for the types alone."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _TYPES
        case ast.keyword(arg="strict"):  # of zip: an assertion
            return True
    return False
