"""Cells, what they share, and the plan that they make; plain data that needs no torch."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fewshot_bench.config import RunConfig
from fewshot_bench.report.setting_texts import value_text
from fewshot_bench.tracking.record import leaves
from fewshot_bench.utilities.files import home

PRETRAINED = "backbone"  # kind of the weights that a pretraining makes


class _Fixed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Fixed):
    """Settings that a sweep may choose.

    Attributes:
        settings: ``KEY=VALUE`` texts.
        trial: the run on val that judges them.
        config: the run that they make if they are chosen.
    """

    settings: tuple[str, ...]
    trial: RunConfig
    config: RunConfig


class Cell(_Fixed):
    """A method at one number of shots.

    Attributes:
        config: the run as asked for.
        choices: of a sweep, one of which takes its place; none without a sweep.
        needs: names of the shared work that it builds on.
        trains_network: see `trains_network`; its own training, if its weights are not stored.
    """

    config: RunConfig
    choices: tuple[Choice, ...] = ()
    needs: tuple[str, ...] = ()
    trains_network: bool = False

    @property
    def possible(self) -> list[RunConfig]:
        """All runs that measuring it may take."""
        tried = [config for choice in self.choices for config in (choice.trial, choice.config)]
        return tried or [self.config]


def trains_network(config: RunConfig) -> bool:
    """Whether the training of a run's method takes images through its network in every step."""
    train = config.recipe.get("train")
    if not isinstance(train, dict):
        return False
    return not train.get("frozen", True) or train.get("augment", "none") != "none"


class SharedWork(_Fixed):
    """What several cells begin with, and is made once: a pretraining, mostly, and its embeddings.

    Attributes:
        name: of weights: their folder; of embeddings: what they are determined by.
        title: what is made.
        config: of a run that needs them.
        needs: names of other shared work that comes first.
        embeds: of embeddings, of what: ``train`` and ``val`` are of the data that the run is
            trained on, ``measured`` is the split that it is measured on; None: it is weights.
    """

    name: str
    title: str
    config: RunConfig
    needs: tuple[str, ...] = ()
    embeds: Literal["train", "val", "measured"] | None = None

    @property
    def is_training(self) -> bool:
        """Whether a method is trained: it is no network alone, and no embeddings."""
        return self.embeds is None and not self.is_pretraining

    @property
    def is_light(self) -> bool:
        """Whether it is a training on stored embeddings, which one thread is best for."""
        return self.is_training and not trains_network(self.config)

    @property
    def is_pretraining(self) -> bool:
        """Whether it is a network without a method."""
        return self.name.startswith(f"{PRETRAINED}-")

    @property
    def path(self) -> Path:
        """The finished weights; of embeddings a note that names their file."""
        if self.embeds:
            return home() / "features" / f"{self.name}.json"
        return home() / "weights" / self.name / "model.safetensors"

    @property
    def done(self) -> bool:
        """Whether it is there, by whichever code."""
        if self.embeds is None or not self.path.exists():
            return self.path.exists()
        named = json.loads(self.path.read_text("utf-8"))["file"]  # another machine's note, maybe
        return (self.path.parent / str(named)).exists()


class Plan(_Fixed):
    """All that a request amounts to.

    Attributes:
        cells: in an order in which what they share is made early.
        shared: what they share, in an order in which it can be made.
        sources: digest of the code of method and backbone, by the key of each run.
        left_out: of a group of methods, those that cannot be measured, and why.
    """

    cells: tuple[Cell, ...]
    shared: tuple[SharedWork, ...] = ()
    sources: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()

    @property
    def configs(self) -> list[RunConfig]:
        """Every run that can be known beforehand: the trials, then what was asked for."""
        trials = [choice.trial for cell in self.cells for choice in cell.choices]
        return trials + [cell.config for cell in self.cells]

    def titles(self) -> list[str]:
        """Name each cell, with settings, ways, seed and balance of queries where they differ."""
        return titles([cell.config for cell in self.cells])


def titles(configs: Sequence[RunConfig]) -> list[str]:
    """Name runs so that they can be told apart."""
    seeds = len({config.seed for config in configs}) > 1
    balances = len({config.query_balance for config in configs}) > 1
    ways = len({config.n_way for config in configs}) > 1
    return [
        config.title
        + (f", {variant}" if variant else "")
        + (f", {config.n_way}-way" if ways else "")
        + (f", seed {config.seed}" if seeds else "")
        + (f", {config.query_balance}" if balances else "")
        for config, variant in zip(configs, variants(configs), strict=True)
    ]


def variants(configs: Sequence[RunConfig]) -> list[str]:
    """What sets apart runs that differ in settings alone, as ``n_steps=1``; of others ''."""
    alike: dict[str, list[int]] = defaultdict(list)
    for place, config in enumerate(configs):
        alike[config.model_dump_json(exclude={"recipe", "settings"})].append(place)
    found = [""] * len(configs)
    for places in alike.values():
        settings = [dict(leaves(configs[place].recipe)) for place in places]
        for place, own in zip(places, settings, strict=True):
            differ = [name for name in own if any(own[name] != s.get(name) for s in settings)]
            found[place] = ", ".join(f"{name}={value_text(own[name])}" for name in differ)
    return found
