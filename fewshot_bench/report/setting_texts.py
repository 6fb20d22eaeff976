"""Settings of a recipe as a person reads and types them: dotted key, value, range, description."""

import re
from collections.abc import Mapping
from dataclasses import astuple
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic.fields import FieldInfo

from fewshot_bench.recipe import Recipe, Settings
from fewshot_bench.settings import SECTIONS, declared_in

_SOURCE = re.compile(r"\s*\[[^]]*\]")
_BOUNDS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<", MultipleOf: "a multiple of"}
_KINDS: Mapping[Any, str] = {
    bool: "`true` or `false`",
    int: "integer",
    float: "number",
    str: "text",
}


def own_names(recipe_type: type[Recipe]) -> list[str]:
    """Names of a method's own settings: all fields but the sections."""
    return [name for name in recipe_type.model_fields if name not in SECTIONS]


def section_names(section: str) -> list[str]:
    """Dotted keys of the settings of a section, without that of the section itself."""
    return [f"{section}.{name}" for name in SECTIONS[section].model_fields]


def field_of(recipe_type: type[Recipe], key: str) -> FieldInfo:
    """Return what is declared of a setting, by its dotted key."""
    owner, name = declared_in(recipe_type, key)
    return owner.model_fields[name]


def description(recipe_type: type[Recipe], key: str) -> str:
    """Say what a setting is; a bare ``[source]`` takes its words from what it overrides."""
    owner, name = declared_in(recipe_type, key)
    ancestors = [c for c in owner.__mro__ if issubclass(c, Settings) and name in c.model_fields]
    told = [ancestor.model_fields[name].description or "" for ancestor in ancestors]
    words = next((text for text in told if _SOURCE.sub("", text)), "")
    return told[0] if told[0] == words else f"{_SOURCE.sub('', words)} {told[0]}".strip()


def values(recipe: Recipe) -> dict[str, str]:
    """Texts of all values by dotted key; a section is ``default`` or ``none``.

    Settings of an absent section are left out.
    """
    texts = {}
    for name in type(recipe).model_fields:
        value = getattr(recipe, name)
        if name not in SECTIONS:
            texts[name] = value_text(value)
        else:
            texts[name] = "none" if value is None else "default"
            inside = value or ()  # a pydantic model yields its fields
            texts |= {f"{name}.{field}": value_text(inner) for field, inner in inside}
    return texts


def value_text(value: Any) -> str:
    """Write a value as ``--set`` takes it; numbers to seven digits."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(value_text, value)) or "()"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def range_text(field: FieldInfo) -> str:
    """Say in Markdown what values a setting takes, from its type and bounds."""
    alternatives = get_args(field.annotation) if _is_union(field.annotation) else [field.annotation]
    kinds = " or ".join(_kind_text(kind) for kind in alternatives if kind is not NoneType)
    bounds = [
        f"{_BOUNDS[type(bound)]} {value_text(astuple(bound)[0])}"
        for bound in field.metadata
        if type(bound) in _BOUNDS
    ]
    text = f"{kinds} {', '.join(bounds)}".rstrip()
    return f"{text}, or `none`" if NoneType in alternatives else text


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _kind_text(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return f"{'texts' if str in get_args(kind) else 'numbers'}, with commas"
    return _KINDS.get(kind) or str(getattr(kind, "__name__", kind))
