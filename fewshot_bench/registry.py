"""Registries: names of things of one kind. Which kinds there are is told beside each kind."""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Generic, TypeVar

from fewshot_bench.errors import UsageError, how_to_get, suggestion
from fewshot_bench.plugins import load_plugins, why_absent

T = TypeVar("T")


def canonical(name: str) -> str:
    """Spell a name the one way the registry keeps it: ``SSL_Meta`` and ``ssl-meta`` are one."""
    return name.strip().lower().replace("_", "-")


class Registry(Generic[T]):
    """Maps names to things of one kind; each name is registered once.

    Whatever is asked of it, all installed plugins are imported first, the built-in ones among
    them.

    Args:
        kind: what the things are called in messages.

    Example:
        >>> import fewshot_bench as fsb
        >>> fsb.methods["SIB"].paper.venue
        'ICLR'
        >>> fsb.methods.resolve("Simple_Shot")
        'simple-shot'
        >>> "conv4-64" in fsb.backbones
        True
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._absent: dict[str, str] = {}
        self._families: dict[str, Callable[[str], T]] = {}

    def register(self, name: str, *aliases: str, extra: str | None = None) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name` and every alias.

        Args:
            name: in messages and results.
            aliases: further names.
            extra: of the package, without whose library of the same name there is no such thing;
                its name then only says how to get it.

        Raises:
            ValueError: a name is taken already.
        """

        def decorate(thing: T) -> T:
            if extra is not None and find_spec(extra) is None:
                self._absent |= dict.fromkeys(map(canonical, (name, *aliases)), extra)
                return thing
            for spelling in map(canonical, (name, *aliases)):
                if spelling in self._aliases:
                    raise ValueError(f"{self.kind} '{spelling}' is registered twice")
                self._aliases[spelling] = canonical(name)
            self._entries[canonical(name)] = thing
            return thing

        return decorate

    def family(self, prefix: str) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
        """Return a decorator that files a maker of things for all names ``prefix:NAME``.

        The maker is given NAME as it was spelled, and raises `UsageError` if it knows none.
        """

        def decorate(maker: Callable[[str], T]) -> Callable[[str], T]:
            self._families[prefix] = maker
            return maker

        return decorate

    @property
    def families(self) -> dict[str, Callable[[str], T]]:
        """Makers of things, by the prefix of their names."""
        load_plugins()
        return dict(self._families)

    def resolve(self, name: str) -> str:
        """Return the registered name for any spelling or alias.

        The part of a name after a family's prefix is kept as it is, and not looked up.

        Raises:
            UsageError: no such name, and the message suggests the nearest; or an extra lacks.
        """
        load_plugins()
        if family := self._in_family(name):
            return ":".join(family)
        spelling = canonical(name)
        if extra := self._absent.get(spelling):
            raise UsageError(f"{self.kind} '{spelling}' needs {extra}; {how_to_get(extra)}")
        if spelling not in self._aliases:
            if reason := why_absent(spelling):
                raise UsageError(f"{self.kind} '{spelling}' is not there: {reason}")
            hint = suggestion(spelling, self._aliases)
            raise UsageError(f"no {self.kind} is called '{name}'; {hint}")
        return self._aliases[spelling]

    def __getitem__(self, name: str) -> T:
        registered = self.resolve(name)
        if family := self._in_family(registered):
            prefix, member = family
            return self._families[prefix](member)
        return self._entries[registered]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(sorted(self._entries))

    def __contains__(self, name: str) -> bool:
        load_plugins()
        return canonical(name) in self._aliases or self._in_family(name) is not None

    def aliases(self, name: str) -> list[str]:
        """Return the other spellings of a registered name."""
        target = self.resolve(name)
        return sorted(a for a, t in self._aliases.items() if t == target and a != target)

    def _in_family(self, name: str) -> tuple[str, str] | None:
        """Split ``prefix:NAME`` if there is a family of this prefix."""
        prefix, colon, member = name.strip().partition(":")
        prefix = canonical(prefix)
        return (prefix, member) if colon and prefix in self._families else None


class RegistryPackage(ModuleType):
    """A package of ours that also answers for the registry of its kind: ``fsb.methods["maml"]``.

    Importing a package puts it into its parent under its name; the front door, that parent, offers
    registries under the same names. As the ``__class__`` of the package this makes it both.

    Attributes:
        REGISTRY: module and name of the registry.
    """

    REGISTRY: tuple[str, str]

    @property
    def _registry(self) -> Registry[Any]:
        module, name = self.REGISTRY
        registry: Registry[Any] = getattr(import_module(module), name)
        return registry

    def __getitem__(self, name: str) -> Any:
        return self._registry[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __contains__(self, name: str) -> bool:
        return name in self._registry

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Registry, name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self._registry, name)

    def __repr__(self) -> str:
        return f"<{self._registry.kind}s: {', '.join(self)}>"
