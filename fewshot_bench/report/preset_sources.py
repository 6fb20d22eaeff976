"""Where a preset's values come from: what the comments beside them in a recipe's source say."""

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from functools import cache

from fewshot_bench.recipe import Recipe

Source = tuple[str, str]  # dotted key, '' for all of them; comment


def preset_sources(recipe_type: type[Recipe], layer: str) -> list[Source]:
    """Read the comments of a layer of a recipe's presets, as ``paper@omniglot:5``.

    A value's comment stands behind it, or in the lines above it; one behind the name of the
    layer, or above it, is of all its values. Dictionaries that are unpacked there are read too.

    Args:
        recipe_type: of a method whose source is at hand; else there is nothing to read.
        layer: key of `Recipe.presets`.
    """
    owner = next((c for c in recipe_type.__mro__ if "presets" in vars(c)), None)
    if owner is None or layer not in recipe_type.presets:
        return []
    try:
        page = _page(owner.__module__)
    except (OSError, TypeError):  # typed in by hand
        return []
    return list(dict(page.layer(owner.__name__, layer)).items())  # the last of a key holds


class _Page:
    """A module's source: its tree, and its comments by line."""

    def __init__(self, module: str) -> None:
        text = inspect.getsource(sys.modules[module])
        self.tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        found = [t for t in tokens if t.type == tokenize.COMMENT]
        self.comments = {t.start[0]: t.string.lstrip("# ") for t in found}
        self.alone = {t.start[0] for t in found if not t.line[: t.start[1]].strip()}

    def layer(self, owner: str, layer: str) -> Iterator[Source]:
        """Yield the comments of a layer of a class's presets."""
        (node,) = (n for n in self.tree.body if isinstance(n, ast.ClassDef) and n.name == owner)
        presets = self._assigned(node.body, "presets")
        if isinstance(presets, ast.Dict):
            for key, value in zip(presets.keys, presets.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == layer:
                    opens = key.lineno if (value.end_lineno or 0) > key.lineno else 0
                    yield from self._said_of("", key.lineno, opens)
                    yield from self._inside(value)

    def _inside(self, node: ast.expr) -> Iterator[Source]:
        """Yield what is said of each entry of a dictionary, wherever it is written."""
        match node:
            case ast.Dict():
                later = [*(key.lineno if key else 0 for key in node.keys[1:]), 0][: len(node.keys)]
                for key, value, following in zip(node.keys, node.values, later, strict=True):
                    if isinstance(key, ast.Constant):
                        # A line of several entries has the comment of the last.
                        last = 0 if following == key.lineno else value.end_lineno or 0
                        yield from self._said_of(str(key.value), key.lineno, last)
                    elif key is None:
                        yield from self._inside(value)
            case ast.Name(id=name):
                yield from self._named(name)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=owner)), slice=ast.Constant(value=layer)
            ):
                imported = self._imported(owner)
                page, there = (_page(imported[0]), imported[1]) if imported else (self, owner)
                yield from page.layer(there, str(layer))

    def _named(self, name: str) -> Iterator[Source]:
        """Yield what is said of a dictionary that has a name, here or where it comes from."""
        if imported := self._imported(name):
            home, there = imported
            yield from _page(home)._named(there)
            return
        node = self._assigned(self.tree.body, name)
        if node is not None:
            yield from self._said_of("", node.lineno, node.lineno)
            yield from self._inside(node)

    def _imported(self, name: str) -> tuple[str, str] | None:
        """Return the module that a name is imported from, and what it is called there."""
        for node in self.tree.body:
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                if (alias.asname or alias.name) == name:
                    return getattr(node, "module", ""), alias.name
        return None

    @staticmethod
    def _assigned(body: list[ast.stmt], name: str) -> ast.expr | None:
        for node in body:
            match node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value):
                    pass
                case ast.AnnAssign(target=ast.Name(id=found), value=value):
                    pass
                case _:
                    continue
            if found == name:
                return value
        return None

    def _said_of(self, key: str, first: int, last: int) -> Iterator[Source]:
        """Yield the comment behind a value that stands in some lines, and the one above it."""
        above: list[str] = []
        while first - 1 - len(above) in self.alone:
            above.insert(0, self.comments[first - 1 - len(above)])
        behind = [self.comments[line] for line in range(first, last + 1) if line in self.comments]
        if said := " ".join(above + behind):
            yield key, said


@cache
def _page(module: str) -> _Page:
    return _Page(module)
