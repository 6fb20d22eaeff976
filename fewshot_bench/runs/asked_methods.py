"""Which methods a request means, and what it asks of each."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.method import methods
from fewshot_bench.registry import canonical
from fewshot_bench.runs.request import Request, Scoped
from fewshot_bench.settings import SECTIONS

GROUPS = ("all", "heads", "paper")


def expanded(asked: Sequence[str]) -> dict[str, bool]:
    """Names of all methods that are meant, and whether a group named each, and nobody else.

    ``all`` is every method, ``heads`` those that are neither trained on episodes by default nor
    adapt their network, ``paper`` those of SIB's tables.

    Raises:
        UsageError: an unknown name.
    """
    found: dict[str, bool] = {}
    for name in asked:
        if (group := canonical(name)) in GROUPS:
            found |= {member: True for member in _members(group) if member not in found}
        else:
            found[_resolved(name)] = False
    return found


def _members(group: str) -> list[str]:
    if group == "paper":
        return [methods.resolve(name) for name in _papers()]
    return [name for name in methods if group == "all" or is_head(name)]


@cache
def _papers() -> tuple[str, ...]:
    text = files("fewshot_bench.runs").joinpath("groups.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["paper"]["methods"])


def is_head(name: str) -> bool:
    """Whether a method works on embeddings of one network for all, without training of its own."""
    cls = methods[name]
    return cls.recipe_type().train is None and not cls.adapts_backbone


def _resolved(name: str) -> str:
    if name in methods:
        return methods.resolve(name)
    near = suggestion(canonical(name), GROUPS)
    if near.startswith("did you mean"):
        raise UsageError(f"no method is called '{name}'; {near}")
    return methods.resolve(name)  # which says what is near, or which extra it needs


def scoped(request: Request, names: Sequence[str]) -> dict[str, Scoped]:
    """What holds for each method.

    What is asked of every method comes first, then what is of its groups, then what is of it alone.

    Args:
        request: what is asked.
        names: the methods, as they are registered.

    Raises:
        UsageError: something is asked of a method that is not among them.
    """
    common = tuple(text for text in request.settings if not _scope(text))
    every = Scoped(
        preset=request.preset,
        settings=common,
        seeds=request.seeds,
        n_episodes=request.n_episodes,
    )
    found = dict.fromkeys(names, every)
    for asked, own in _groups_first(request.by_method):
        for method in _meant(asked, names):
            found[method] = found[method].then(own)
    for text in request.settings:
        if scope := _scope(text):
            method = _among(scope, names)
            own = Scoped(settings=(text.strip().partition(".")[2],))
            found[method] = found[method].then(own)
    return found


def _groups_first(by_method: Mapping[str, Scoped]) -> list[tuple[str, Scoped]]:
    """What is asked of a method itself comes after what is asked of its groups."""
    return sorted(by_method.items(), key=lambda item: canonical(item[0]) not in GROUPS)


def _meant(asked: str, names: Sequence[str]) -> list[str]:
    """Those of `names` that a method's name, or a group's, stands for."""
    if canonical(asked) not in GROUPS:
        return [_among(asked, names)]
    members = set(_members(canonical(asked)))
    return [name for name in names if name in members]


def _scope(text: str) -> str:
    """The method that a ``METHOD.KEY=VALUE`` is for; '' for every method."""
    head, dot, _ = text.partition("=")[0].strip().partition(".")
    section = head.replace("-", "_") in SECTIONS
    return head if dot and not section and head in methods else ""


def _among(name: str, names: Sequence[str]) -> str:
    method = methods.resolve(name)
    if method not in names:
        raise UsageError(
            f"settings are given for {method}, which is not asked for; {suggestion(method, names)}"
        )
    return method
