"""Recipes: every setting of a method's pretraining, meta-training and head, validated."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from fewshot_bench.utilities.query_balance import dirichlet_alpha

Overrides = Mapping[str, Any]
Augmentation = Literal["none", "shift", "shift-flip", "natural"]


class Settings(BaseModel):
    """Validated, unchangeable, and closed to unknown keys.

    Fields that are younger than stored results are written only where they are set, so that the
    keys of results and weights, which are made of what is written, stay as they were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    younger: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        unset = {name for name in self.younger if getattr(self, name) == fields[name].default}
        return {name: value for name, value in write(self).items() if name not in unset}


class OptimRecipe(Settings):
    """An optimiser and the course of its learning rate."""

    younger = frozenset({"nesterov", "decay_norms", "clip_norm_of"})

    optimizer: Literal["sgd", "adam"] = Field("sgd", description="of all that is trained")
    lr: float = Field(0.1, gt=0, description="learning rate at its highest")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(True, description="of sgd: look ahead along the momentum")
    weight_decay: float = Field(0.0, ge=0, description="L2, on all trained parameters")
    decay_norms: bool = Field(
        True, description="false: no decay of biases, nor of the scales of normalisations"
    )
    schedule: Literal["constant", "step", "one-cycle"] = Field(
        "constant", description="step: falls at milestones; one-cycle: falls to 0 as a cosine does"
    )
    warmup: float = Field(0.0, ge=0, le=1, description="fraction of steps of linear rise")
    milestones: tuple[float, ...] = Field((), description="step: fractions of the steps at which")
    gamma: float = Field(0.1, gt=0, description="step: ... the rate is multiplied by this")
    backbone_lr: float = Field(1.0, gt=0, description="learning rate of the backbone, as a factor")
    clip_value: float | None = Field(None, gt=0, description="bound of each gradient entry")
    clip_norm: float | None = Field(None, gt=0, description="bound of a gradient's norm ...")
    clip_norm_of: Literal["all", "modules", "heads", "tensors"] = Field(
        "all",
        description="... of the whole; of the backbone and of each other child module apart; of "
        "those others alone; of each tensor apart",
    )


class PretrainRecipe(OptimRecipe):
    """Supervised training on the train classes.

    Defaults are a one-cycle schedule that two CPU cores finish in under an hour on CIFAR-FS;
    preset ``paper`` is the schedule of SIB's authors (``main_feat.py``) where a paper has no other.
    """

    younger = OptimRecipe.younger | {"rotation_classes", "val_every"}

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
        description="weight of telling the four rotations of each image apart [BF3S: 1]",
    )
    rotation_classes: bool = Field(
        True,
        description="learn the classes on all four copies, not on the originals alone [BF3S: the "
        "latter, but for its WRN]",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="bfloat16: mixed precision, for GPUs; slower on a CPU with AVX-512 alone",
    )
    epochs: int = Field(40, ge=1, description="over the train split")
    batch_size: int = Field(64, ge=2, description="[SIB main_feat.py]")
    augment: Augmentation = Field(
        "natural", description="natural: crop, flip, colour jitter .4 [SIB]; shift: crop alone"
    )
    lr: float = Field(0.1, gt=0, description="[SIB main_feat.py]")
    weight_decay: float = Field(5e-4, ge=0, description="[SIB main_feat.py]")
    schedule: Literal["constant", "step", "one-cycle"] = "one-cycle"
    warmup: float = Field(0.25, ge=0, le=1)
    val_episodes: int = Field(1000, ge=1, description="5-way 1-shot, cosine prototypes [SIB]")
    val_every: int = Field(
        1, ge=1, description="epochs between validations, each of which writes the checkpoint"
    )


class TrainRecipe(OptimRecipe):
    """Episodic meta-training on the train classes, selected on the val classes.

    Episodes of a step share a shape. With `query_balance` or `min_way` it is validated on what it
    is trained on, else on episodes as tested: weights of a recipe that gives `n_way`, `n_shot` and
    `n_query` too serve every test alike. All queries of an imbalanced episode may be of one class:
    there are as many as the scarcest class allows, `n_query` of each at most.
    """

    younger = OptimRecipe.younger | {"min_way", "query_balance"}

    steps: int = Field(10_000, ge=1, description="optimiser steps")
    tasks_per_step: int = Field(1, ge=1, description="episodes whose losses are averaged")
    n_way: int | None = Field(
        None, ge=2, description="classes of a training episode, none: as tested; at most all"
    )
    min_way: int | None = Field(
        None, ge=2, description="draw the ways of every step from min_way .. n_way"
    )
    n_shot: int | None = Field(None, ge=1, description="none: as tested")
    min_shot: int | None = Field(
        None, ge=1, description="draw the shots of every step from min_shot .. n_shot"
    )
    n_query: int | None = Field(None, ge=1, description="none: as tested")
    query_balance: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="draw the balance of every step's queries from these, as balanced,dirichlet:2; "
        "one named twice is drawn, and counts, twice as often; none: balanced",
    )
    frozen: bool = Field(
        True,
        description="keep the backbone; it embeds each train image once, or anew where augment "
        "changes it",
    )
    augment: Augmentation = Field("none", description="of support and queries, as pretrain.augment")
    val_every: int = Field(500, ge=1, description="steps between validations")
    val_episodes: int = Field(
        1000, ge=1, description="of each validation, spread over the protocols of a mixture"
    )

    @property
    def on_embeddings(self) -> bool:
        """Whether it is trained on stored embeddings, and no image goes through the backbone."""
        return self.frozen and self.augment == "none"

    @field_validator("query_balance")
    @classmethod
    def _known_balances(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for balance in value or ():
            dirichlet_alpha(balance)
        return value


class Recipe(Settings):
    """Base of every method's recipe: add the method's own settings as fields.

    Field defaults are preset ``default``. Class attributes say what differs elsewhere, as
    dotted keys.

    Attributes:
        shots: by the least number of shots that an entry is for, up to the next entry's.
        presets: by ``PRESET[@DATASET][:SHOTS]``, as ``paper``, ``paper:5``, ``paper@omniglot:5``;
            the longer name wins. The key ``backbone`` names the network to use unless the user
            names another.
        published: data sets for which the values of ``paper`` are the paper's, or its authors'
            code's; another one borrows those of the first that is of its kind.
        grid: the values of settings that are worth trying on the val split.
        at_test: the method's own settings that its training does not depend on: weights are
            trained with their defaults, and serve all values.
    """

    pretrain: PretrainRecipe | None = None
    train: TrainRecipe | None = None

    shots: ClassVar[Mapping[int, Overrides]] = {}
    presets: ClassVar[Mapping[str, Overrides]] = {}
    published: ClassVar[tuple[str, ...]] = ()
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {}
    at_test: ClassVar[frozenset[str]] = frozenset()


def every(interval: int, steps: int) -> tuple[float, ...]:
    """Milestones of a learning rate that falls each time so many of the steps are done."""
    return tuple(step / steps for step in range(interval, steps, interval))
