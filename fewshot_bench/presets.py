"""Presets: what a schedule's name, the shots and the data make of a recipe."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.recipe import Overrides, Recipe
from fewshot_bench.settings import parsed
from fewshot_bench.utilities.validation import validated

PRESETS = ("smoke", "default", "paper")

BACKBONE = "backbone"  # key of a preset that names a network

# What a preset means to every method; settings of an absent section do not apply.
_GENERAL: Mapping[str, Overrides] = {
    "smoke": {
        "pretrain.epochs": 1,
        "pretrain.val_episodes": 100,
        "train.steps": 20,
        "train.val_every": 20,
        "train.val_episodes": 50,
        "train.n_way": None,
    },
    "default": {},
    # Unless a paper has its own: SIB main_feat.py. Its 6,000 steps of warm-up, which are 10 epochs,
    # come before the 60 of its README, of which the 51st is the first at a tenth of the rate.
    "paper": {
        "pretrain.epochs": 70,
        "pretrain.schedule": "step",
        "pretrain.warmup": 10 / 70,
        "pretrain.milestones": (60 / 70,),
    },
}


def build_recipe(
    recipe_type: type[Recipe],
    *,
    preset: str = "default",
    n_shot: int = 1,
    dataset: Overrides | None = None,
    published: str | None = None,
    settings: Sequence[str] = (),
) -> Recipe:
    """Resolve a recipe: defaults, then shots, data set, preset, and the user's settings.

    Args:
        recipe_type: the method's.
        preset: one of `PRESETS`.
        n_shot: support images a class at meta-test.
        dataset: dotted settings that suit the data; those of an absent section do not apply.
        published: registered data set whose own values of the preset hold, see
            `Recipe.published`.
        settings: the user's ``key=value`` texts, which win.

    Raises:
        UsageError: an unknown preset, an unknown key, or a value of the wrong type.
    """
    own = list(_own_layers(recipe_type, preset, n_shot, published))
    values = recipe_type().model_dump()
    shots = _for_shots(recipe_type.shots, n_shot)
    for layer in (shots, dataset or {}, _GENERAL[preset], *own):
        for key, value in layer.items():
            if key != BACKBONE:
                _assign(values, key, value)
    for text in settings:
        key, value = parsed(recipe_type, text)
        _assign(values, key, value, create=True)
    return validated(recipe_type, values)


def preset_backbone(
    recipe_type: type[Recipe], preset: str, n_shot: int, published: str | None = None
) -> str | None:
    """Return the network that a preset names, in the arguments of `build_recipe`; None: none."""
    layers = _own_layers(recipe_type, preset, n_shot, published)
    named = [layer[BACKBONE] for layer in layers if BACKBONE in layer]
    return named[-1] if named else None


def least_shots(recipe_type: type[Recipe]) -> list[int]:
    """Numbers of shots from which on some setting may have another value, the least first."""
    ends = (key.partition(":")[2] for key in recipe_type.presets)
    return sorted({1, *recipe_type.shots, *(int(shots) for shots in ends if shots)})


def _own_layers(
    recipe_type: type[Recipe], preset: str, n_shot: int, published: str | None
) -> Iterator[Overrides]:
    """Yield what a method says of a preset: in general, then for a data set."""
    if preset not in PRESETS:
        raise UsageError(f"no preset is called '{preset}'; {suggestion(preset, PRESETS)}")
    for name in (preset, f"{preset}@{published}"):
        yield recipe_type.presets.get(name, {})
        start = f"{name}:"
        entries = [(k, v) for k, v in recipe_type.presets.items() if k.startswith(start)]
        yield _for_shots({int(k.removeprefix(start)): v for k, v in entries}, n_shot)


def _for_shots(entries: Mapping[int, Overrides], n_shot: int) -> Overrides:
    """Return the entry of the largest number of shots that is not above `n_shot`."""
    least = max((k for k in entries if k <= n_shot), default=None)
    return {} if least is None else entries[least]


def _assign(values: dict[str, Any], key: str, value: Any, create: bool = False) -> None:
    section, dot, name = key.partition(".")
    if not dot:
        values[key] = value
    elif values.get(section) is not None:
        values[section][name] = value
    elif create:
        values[section] = {name: value}
