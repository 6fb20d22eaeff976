"""Recipes: every setting of a method's pretraining, meta-training and head, validated."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.utilities.validation import validated

PRESETS = ("smoke", "default", "paper")
Overrides = Mapping[str, Any]
Augmentation = Literal["none", "shift", "shift-flip", "natural"]


class Settings(BaseModel):
    """Validated, unchangeable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OptimRecipe(Settings):
    """An optimiser and the course of its learning rate."""

    optimizer: Literal["sgd", "adam"] = Field("sgd", description="sgd has Nesterov momentum")
    lr: float = Field(0.1, gt=0, description="learning rate at its highest")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    weight_decay: float = Field(0.0, ge=0, description="L2, on all trained parameters")
    schedule: Literal["constant", "step", "one-cycle"] = Field(
        "constant", description="step: falls at milestones; one-cycle: falls to 0 as a cosine does"
    )
    warmup: float = Field(0.0, ge=0, le=1, description="fraction of steps of linear rise")
    milestones: tuple[float, ...] = Field((), description="step: fractions of the steps at which")
    gamma: float = Field(0.1, gt=0, description="step: ... the rate is multiplied by this")
    backbone_lr: float = Field(1.0, gt=0, description="learning rate of the backbone, as a factor")
    clip_value: float | None = Field(None, gt=0, description="bound of each gradient entry")
    clip_norm: float | None = Field(None, gt=0, description="bound of the whole gradient's norm")


class PretrainRecipe(OptimRecipe):
    """Supervised training on the train classes.

    Defaults are a one-cycle schedule that two CPU cores finish in under an hour on CIFAR-FS;
    preset ``paper`` is the schedule of SIB's authors (``main_feat.py``).
    """

    head: Literal["cosine", "linear"] = Field(
        "cosine", description="classifier of the train classes, dropped afterwards"
    )
    head_scale: float = Field(10.0, gt=0, description="cosine: initial, learned [SIB main_feat.py]")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of each target that is spread over all classes"
    )
    rotation: float = Field(
        0.0,
        ge=0,
        description="weight of telling the four rotations of each image apart; the classes are "
        "then learned on all four copies [BF3S: 1]",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16: mixed precision, about twice as fast where it is built in"
    )
    epochs: int = Field(40, ge=1, description="paper: 60 [SIB README]")
    batch_size: int = Field(64, ge=2, description="[SIB main_feat.py]")
    augment: Augmentation = Field(
        "natural", description="natural: crop, flip, colour jitter .4 [SIB]; shift: crop alone"
    )
    lr: float = Field(0.1, gt=0, description="[SIB main_feat.py]")
    weight_decay: float = Field(5e-4, ge=0, description="[SIB main_feat.py]")
    schedule: Literal["constant", "step", "one-cycle"] = "one-cycle"
    warmup: float = Field(0.25, ge=0, le=1)
    val_episodes: int = Field(1000, ge=1, description="5-way 1-shot, cosine prototypes [SIB]")


class TrainRecipe(OptimRecipe):
    """Episodic meta-training on the train classes, selected on the val classes."""

    steps: int = Field(10_000, ge=1, description="optimiser steps")
    tasks_per_step: int = Field(1, ge=1, description="episodes whose losses are averaged")
    n_way: int | None = Field(
        None, ge=2, description="classes of a training episode, none: as tested; at most all"
    )
    n_shot: int | None = Field(None, ge=1, description="none: as tested")
    min_shot: int | None = Field(
        None, ge=1, description="draw the shots of every step from min_shot .. n_shot"
    )
    n_query: int | None = Field(None, ge=1, description="none: as tested")
    frozen: bool = Field(True, description="keep the backbone, train on stored embeddings")
    augment: Augmentation = Field(
        "none", description="as pretrain.augment; stored embeddings have none"
    )
    val_every: int = Field(500, ge=1, description="steps between validations")
    val_episodes: int = Field(1000, ge=1, description="of each validation")


class Recipe(Settings):
    """Base of every method's recipe: add the method's own settings as fields.

    Field defaults are preset ``default``. Class attributes say what differs elsewhere, as
    dotted keys: `shots` by the least number of shots that an entry is for, up to the next entry's;
    `presets` by preset, or by preset and least shots as in ``paper:5``. `grid` holds the values of
    settings that are worth trying on the val split.
    """

    pretrain: PretrainRecipe | None = None
    train: TrainRecipe | None = None

    shots: ClassVar[Mapping[int, Overrides]] = {}
    presets: ClassVar[Mapping[str, Overrides]] = {}
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {}


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
    "paper": {  # SIB main_feat.py: 6,000 warm-up iterations, x0.1 at epoch 50 of 60
        "pretrain.epochs": 60,
        "pretrain.schedule": "step",
        "pretrain.warmup": 1 / 6,
        "pretrain.milestones": (50 / 60,),
    },
}


def build_recipe(
    recipe_type: type[Recipe],
    *,
    preset: str = "default",
    n_shot: int = 1,
    dataset: Overrides | None = None,
    settings: Sequence[str] = (),
) -> Recipe:
    """Resolve a recipe: defaults, then shots, data set, preset, and the user's settings.

    Args:
        recipe_type: the method's.
        preset: one of `PRESETS`.
        n_shot: support images a class at meta-test.
        dataset: dotted settings that suit the data; those of an absent section do not apply.
        settings: the user's ``key=value`` texts, which win.

    Raises:
        UsageError: an unknown preset, an unknown key, or a value of the wrong type.
    """
    if preset not in PRESETS:
        raise UsageError(f"no preset is called '{preset}'; {suggestion(preset, PRESETS)}")
    values = recipe_type().model_dump()
    presets = recipe_type.presets
    by_shots = {
        int(k.partition(":")[2]): v for k, v in presets.items() if k.startswith(f"{preset}:")
    }
    own = {**presets.get(preset, {}), **_for_shots(by_shots, n_shot)}
    for layer in (_for_shots(recipe_type.shots, n_shot), dataset or {}, _GENERAL[preset], own):
        for key, value in layer.items():
            _assign(values, key, value)
    for text in settings:
        key, value = _parse(recipe_type, text)
        _assign(values, key, value, create=True)
    return validated(recipe_type, values)


def _for_shots(entries: Mapping[int, Overrides], n_shot: int) -> Overrides:
    """Return the entry of the largest number of shots that is not above `n_shot`."""
    least = max((k for k in entries if k <= n_shot), default=None)
    return {} if least is None else entries[least]


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


SECTIONS: Mapping[str, type[Settings]] = {"pretrain": PretrainRecipe, "train": TrainRecipe}


def declared_in(recipe_type: type[Recipe], key: str) -> tuple[type[Settings], str]:
    """Return the class that has the field of a dotted key, and the field's name."""
    section, dot, name = key.partition(".")
    return (SECTIONS[section], name) if dot else (recipe_type, section)


def _parse(recipe_type: type[Recipe], text: str) -> tuple[str, Any]:
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
    return key, value.split(",") if key.endswith("milestones") else value


def _is_choice(recipe_type: type[Recipe], key: str, text: str) -> bool:
    owner, name = declared_in(recipe_type, key)
    return text in get_args(owner.model_fields[name].annotation)


def _assign(values: dict[str, Any], key: str, value: Any, create: bool = False) -> None:
    section, dot, name = key.partition(".")
    if not dot:
        values[key] = value
    elif values.get(section) is not None:
        values[section][name] = value
    elif create:
        values[section] = {name: value}
