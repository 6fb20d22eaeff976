"""Puts a mutant's code into the modules that run already, so that nothing is imported anew.

The changed module is executed in a namespace of its own. Wherever a function's code, its defaults
or a plain value then differs from that of the module in use, the latter gets it: those who have
imported a function hold the same object, and those who have imported a value get it too.
"""

import ast
import functools
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (bool, int, float, str, bytes, tuple, frozenset, list, dict, set, range)


def transplant(module: ModuleType, tree: ast.Module) -> int:
    """Change a module that is in use; returns how many functions and values changed.

    Args:
        module: in use.
        tree: what its source is to be.
    """
    name = module.__name__
    code = compile(tree, str(module.__file__), "exec", dont_inherit=True)
    changed = ModuleType(name)
    changed.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    exec(code, changed.__dict__)  # the point of it: code of this repository
    return sum(
        _put(module, key, value, getattr(module, key), str(module.__file__))
        for key, value in vars(changed).items()
        if key in vars(module) and not key.startswith("__") and _is_own(value, name)
    )


def _is_own(value: Any, module: str) -> bool:
    """False of functions and classes that the module has from elsewhere."""
    return getattr(value, "__module__", module) == module or isinstance(value, _PLAIN)


def _put(owner: Any, key: str, new: Any, old: Any, file: str) -> int:
    if isinstance(new, type) and isinstance(old, type):
        return sum(
            _put(old, name, value, vars(old)[name], file)
            for name, value in vars(new).items()
            if name in vars(old) and (not name.startswith("__") or _functions(value))
        )
    functions = [*zip(_functions(new), _functions(old), strict=False)]
    if functions:
        return sum(_put_function(theirs, ours, file) for theirs, ours in functions)
    if isinstance(new, _PLAIN) and type(new) is type(old) and _differ(new, old):
        _put_value(owner, key, new, old)
        return 1
    return 0


def _differ(new: Any, old: Any) -> bool:
    return bool(new != old) and repr(new) != repr(old)  # what it holds may be made anew, and equal


def _put_value(owner: Any, key: str, new: Any, old: Any) -> None:
    setattr(owner, key, new)
    if isinstance(owner, ModuleType):
        for module in [*sys.modules.values()]:
            if vars(module).get(key) is old and module.__name__.startswith(("fewshot_", "tests")):
                setattr(module, key, new)


def _functions(value: Any) -> list[FunctionType]:
    """Functions written in Python that a decorated one, a method or a property is made of."""
    if isinstance(value, property):
        parts = [value.fget, value.fset]
        return [found for part in parts if part for found in _functions(part)]
    if isinstance(value, functools.cached_property):
        return _functions(value.func)
    value = getattr(value, "__func__", value)
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return [value] if isinstance(value, FunctionType) else []


def _put_function(new: FunctionType, old: FunctionType, file: str) -> int:
    changes = 0
    if new.__code__ != old.__code__ and new.__code__.co_filename == file:
        _require_equal_cells(new.__code__, old.__code__)
        old.__code__ = new.__code__
        changes += 1
    if _plain_differ(new.__defaults__, old.__defaults__):
        old.__defaults__ = new.__defaults__
        changes += 1
    if _plain_differ(new.__kwdefaults__, old.__kwdefaults__):
        old.__kwdefaults__ = new.__kwdefaults__
        changes += 1
    return changes


def _plain_differ(new: Any, old: Any) -> bool:
    """True if defaults differ, other than by objects that were made anew."""
    return new != old and repr(new) != repr(old) and " at 0x" not in repr(new)


def _require_equal_cells(new: CodeType, old: CodeType) -> None:
    if new.co_freevars != old.co_freevars:
        raise ValueError(f"{old.co_qualname} would close over other names")
