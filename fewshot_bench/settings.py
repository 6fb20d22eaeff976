"""Settings as texts: the dotted ``KEY=VALUE`` that ``--set`` takes."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, Settings, TrainRecipe

SECTIONS: Mapping[str, type[Settings]] = {"pretrain": PretrainRecipe, "train": TrainRecipe}


def declared_in(recipe_type: type[Recipe], key: str) -> tuple[type[Settings], str]:
    """Return the class that has the field of a dotted key, and the field's name."""
    section, dot, name = key.partition(".")
    return (SECTIONS[section], name) if dot else (recipe_type, section)


def setting_texts(settings: Overrides) -> tuple[str, ...]:
    """Write settings as the ``KEY=VALUE`` texts that ``--set`` takes.

    A section is a dot, or in the name of a Python argument two underscores: ``train__lr``.
    """
    return tuple(f"{key.replace('__', '.')}={_text(value)}" for key, value in settings.items())


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def setting_names(recipe_type: type[Recipe]) -> list[str]:
    """All dotted keys that ``--set`` takes for a method, sections included."""
    names = []
    for name in recipe_type.model_fields:
        section = SECTIONS.get(name)
        names.append(name)
        names.extend(f"{name}.{field}" for field in (section.model_fields if section else ()))
    return names


def parsed(recipe_type: type[Recipe], text: str) -> tuple[str, Any]:
    """Read a ``KEY=VALUE`` text: the dotted key of a recipe, and a value to be validated.

    Raises:
        UsageError: no such key, or no such form.
    """
    key, equals, value = text.partition("=")
    key = key.strip().replace("-", "_")
    if not equals:
        raise UsageError(f"--set wants KEY=VALUE, not '{text}'")
    known = setting_names(recipe_type)
    if key not in known:
        # A bare `lr` most likely means `train.lr`.
        inner = [name for name in known if name.endswith(f".{key}")]
        hint = f"did you mean '{inner[-1]}'?" if inner else suggestion(key, known)
        raise UsageError(f"no setting is called '{key}'; {hint}")
    value = value.strip()
    if value.lower() in ("none", "null") and not _is_choice(recipe_type, key, value):
        return key, None
    if key in SECTIONS:
        if value != "default":
            raise UsageError(f"section '{key}' takes 'default' or 'none', or set '{key}.…'")
        return key, {}
    return key, value.split(",") if _is_several(recipe_type, key) else value


def _is_choice(recipe_type: type[Recipe], key: str, text: str) -> bool:
    return text in get_args(_annotation(recipe_type, key))


def _is_several(recipe_type: type[Recipe], key: str) -> bool:
    annotation = _annotation(recipe_type, key)
    return any(get_origin(kind) is tuple for kind in (annotation, *get_args(annotation)))


def _annotation(recipe_type: type[Recipe], key: str) -> Any:
    owner, name = declared_in(recipe_type, key)
    return owner.model_fields[name].annotation
