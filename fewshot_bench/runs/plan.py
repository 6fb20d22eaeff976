"""Plans: the runs that a request amounts to, complete and checked before the first minute."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import NeedsImagesError
from fewshot_bench.method import methods
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.configuration import given_weights, make_config
from fewshot_bench.runs.domains import Domains, open_domains
from fewshot_bench.runs.on_embeddings import require_splits
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.tuning import grid_points
from fewshot_bench.settings import setting_names
from fewshot_bench.training import meta_training, pretraining
from fewshot_bench.utilities.progress import say


@dataclass(frozen=True)
class Choice:
    """Settings that a sweep may choose.

    Attributes:
        settings: ``KEY=VALUE`` texts.
        trial: the run on val that judges them.
        config: the run that they make if they are chosen.
    """

    settings: tuple[str, ...]
    trial: RunConfig
    config: RunConfig


@dataclass(frozen=True)
class Cell:
    """A method at one number of shots.

    Attributes:
        config: the run as asked for.
        choices: of a sweep, one of which takes its place; none without a sweep.
    """

    config: RunConfig
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All cells of a request."""

    cells: tuple[Cell, ...]

    @property
    def configs(self) -> list[RunConfig]:
        """Every run that can be known beforehand: the trials, then what was asked for."""
        trials = [choice.trial for cell in self.cells for choice in cell.choices]
        return trials + [cell.config for cell in self.cells]


def make_plan(request: Request) -> Plan:
    """Resolve a request to complete configurations.

    For preset ``paper``, whose numbers are for print, all rows are compared with their checksums.

    Raises:
        UsageError: something is unknown, does not fit, is damaged, or is not on this machine.
    """
    domains = open_domains(request.dataset, request.train_dataset)
    if request.preset == "paper":
        domains.verify()
    given: dict[str, str] = {}
    if request.weights:
        like = domains.training.images("train")
        given = given_weights(request.weights, request.backbone, like)
    names = list(methods) if request.methods == ("all",) else request.methods
    cells: list[Cell] = []
    for name in names:
        try:
            cells += _checked(request, domains, given, name)
        except NeedsImagesError as error:
            if request.methods != ("all",):
                raise
            say(f"left out: {error}")
    return Plan(tuple(cells))


def _checked(
    request: Request, domains: Domains, given: dict[str, str], method: str
) -> tuple[Cell, ...]:
    """The cells of a method, each of whose runs can be carried out."""
    plan = Plan(tuple(_cell(request, domains, given, method, k) for k in request.shots))
    for config in plan.configs:
        own = domains if config.train_dataset else domains.at_home
        check_stages(config, own.dataset, own.train_dataset)
    return plan.cells


def check_stages(config: RunConfig, dataset: Dataset, train_dataset: Dataset | None = None) -> None:
    """Refuse a run of which some stage, maybe hours away, could not make its episodes.

    Args:
        config: of the run.
        dataset: that it is measured on.
        train_dataset: that it is trained and selected on; None: the same.

    Raises:
        UsageError: the stage, the split, and what to ask for instead; or the two data sets do
            not fit each other, or nothing is learnt from the second.
    """
    domains = Domains(dataset, train_dataset)
    EpisodeSource(domains.measured(config.split), config.spec)
    recipe = methods[config.method].recipe_type.model_validate(config.recipe)
    if train_dataset is not None:
        _require_training(config, recipe)
    if domains.embedded_by:
        require_splits(config, recipe, domains.training)
    check_training(config, recipe, domains)


def check_training(config: RunConfig, recipe: Recipe, domains: Domains) -> None:
    """Refuse a run that could not make its training and validation episodes, see `check_stages`."""
    if recipe.train is None and recipe.pretrain is None:
        return
    train, val = domains.training["train"], domains.training["val"]
    if recipe.train is not None:
        _require_weights(config, recipe, domains)
        with _stage("meta-training", " (or set train.n_way, train.n_shot or train.n_query alone)"):
            EpisodeSource(
                train, meta_training.training_spec(config, recipe.train, len(train.class_names))
            )
        with _stage("validation in meta-training"):
            EpisodeSource(val, meta_training.validation_spec(config))
    if recipe.pretrain is not None:
        with _stage("validation in pretraining", ": give the val split more classes or images"):
            EpisodeSource(val, pretraining.validation_spec(val))


def _require_weights(config: RunConfig, recipe: Recipe, domains: Domains) -> None:
    """Refuse meta-training that was asked of a method without any weights of its own.

    Raises:
        UsageError: it has none; what it has instead.
    """
    kind = methods[config.method]
    if kind.recipe_type().train is not None or not (recipe.train and recipe.train.frozen):
        return
    like = domains.training.any_split
    backbone = pretraining.build_backbone(
        config.backbone, like, torch.device("cpu"), config.backbone_weights
    )
    method = kind(backbone, recipe, config.n_way)
    if all(name.startswith("backbone.") for name, _ in method.named_parameters()):
        own = [name for name in setting_names(kind.recipe_type) if not name.startswith("train")]
        settings = [name for name in own if "." not in name and name != "pretrain"]
        raise UsageError(
            f"{config.method} has no section 'train', for it has no weights of its own to train; "
            f"it has pretrain and {', '.join(settings) or 'no other settings'}; leave train out "
            "of --set, or add train.frozen=false, which trains the backbone"
        )


def _require_training(config: RunConfig, recipe: Recipe) -> None:
    """Refuse to say of a method that it was trained on a data set of which it learns nothing."""
    uses_base = methods[config.method].uses_base
    if recipe.pretrain is None and recipe.train is None and not uses_base:
        raise UsageError(
            f"{config.method} on {config.backbone} learns nothing from {config.train_dataset}: it "
            "is neither pretrained nor meta-trained; leave --train-dataset out"
        )


@contextmanager
def _stage(name: str, hint: str = "") -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{name}: {error}{hint}") from None


def _cell(
    request: Request, domains: Domains, given: dict[str, str], method: str, n_shot: int
) -> Cell:
    def configure(domains: Domains, split: str, point: Sequence[str] = ()) -> RunConfig:
        return make_config(
            method,
            request.backbone,
            domains.dataset,
            train_dataset=domains.train_dataset,
            preset=request.preset,
            n_shot=n_shot,
            settings=[*request.settings, *point],
            split=split,
            **request.protocol,
            **given,
        )

    points = grid_points(methods[method].recipe_type, request.settings) if request.tune else []
    choices = (
        Choice(p, configure(domains.at_home, "val", p), configure(domains, request.split, p))
        for p in points
    )
    return Cell(configure(domains, request.split), tuple(choices))
