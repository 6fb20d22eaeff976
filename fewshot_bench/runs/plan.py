"""Plans: the runs that a request amounts to, complete and checked before the first minute."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fewshot_bench.backbones.base import backbones
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import EMBEDDED_BY, Dataset
from fewshot_bench.data.entry import datasets
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import NeedsImagesError
from fewshot_bench.method import methods
from fewshot_bench.recipe import Recipe, build_recipe
from fewshot_bench.runs.domains import Domains, open_domains
from fewshot_bench.runs.on_embeddings import recipe_on_embeddings, require_splits
from fewshot_bench.runs.request import DEFAULT_BACKBONE, Request
from fewshot_bench.runs.tuning import grid_points
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

    Raises:
        UsageError: something is unknown, does not fit, or is not on this machine.
    """
    domains = open_domains(request.dataset, request.train_dataset)
    names = list(methods) if request.methods == ("all",) else request.methods
    cells: list[Cell] = []
    for name in names:
        try:
            cells += _checked(request, domains, name)
        except NeedsImagesError as error:
            if request.methods != ("all",):
                raise
            say(f"left out: {error}")
    return Plan(tuple(cells))


def _checked(request: Request, domains: Domains, method: str) -> tuple[Cell, ...]:
    """The cells of a method, each of whose runs can be carried out."""
    plan = Plan(tuple(_cell(request, domains, method, k) for k in request.shots))
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
    if recipe.train is None and recipe.pretrain is None:
        return
    train, val = domains.training["train"], domains.training["val"]
    if recipe.train is not None:
        with _stage("meta-training", " (or set train.n_way, train.n_shot or train.n_query alone)"):
            EpisodeSource(
                train, meta_training.training_spec(config, recipe.train, len(train.class_names))
            )
        with _stage("validation in meta-training"):
            EpisodeSource(val, meta_training.validation_spec(config))
    if recipe.pretrain is not None:
        with _stage("validation in pretraining", ": give the val split more classes or images"):
            EpisodeSource(val, pretraining.validation_spec(val))


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


def _cell(request: Request, domains: Domains, method: str, n_shot: int) -> Cell:
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
        )

    points = grid_points(methods[method].recipe_type, request.settings) if request.tune else []
    choices = (
        Choice(p, configure(domains.at_home, "val", p), configure(domains, request.split, p))
        for p in points
    )
    return Cell(configure(domains, request.split), tuple(choices))


def make_config(
    method: str,
    backbone: str | None,
    dataset: Dataset,
    *,
    preset: str = "default",
    n_shot: int = 1,
    settings: Sequence[str] = (),
    split: str = "test",
    train_dataset: Dataset | None = None,
    **protocol: int | str | None,
) -> RunConfig:
    """Resolve names and recipe to the complete configuration of one run.

    The recipe of a backbone that comes pretrained has no section for that, nor has one on
    embeddings, whose backbone is theirs. What a recipe owes to the data, it owes to those that
    are trained on: `train_dataset`, if it is not `dataset`.

    Raises:
        UsageError: an unknown name or setting, or one of pretraining for such a backbone.
    """
    name, domains = methods.resolve(method), Domains(dataset, train_dataset)
    chosen, n_way = _backbone(backbone, domains), protocol.get("n_way") or 5
    if domains.embedded_by:
        dim = int(dataset.any_split.rows.shape[1])
        recipe = recipe_on_embeddings(name, dim, int(n_way), n_shot, preset, settings)
    else:
        recipe = _recipe_on_images(name, chosen, domains.training.name, n_shot, preset, settings)
    return RunConfig.model_validate(
        {
            "method": name,
            "backbone": chosen,
            "n_shot": n_shot,
            "split": split,
            "preset": preset,
            "settings": sorted(text.replace(" ", "") for text in settings),
            "recipe": recipe.model_dump(mode="json"),
            **domains.facts(split),
            **protocol,
        }
    )


def _backbone(asked: str | None, domains: Domains) -> str:
    """Return the backbone of a run: that of the embeddings, if there are some."""
    made_by = domains.embedded_by
    if made_by is None:
        if asked and asked.partition(":")[0] == EMBEDDED_BY:
            raise UsageError(
                f"'{asked}' stands for data sets of embeddings, and {domains.dataset.name} holds "
                "images; choose another --backbone"
            )
        return backbones.resolve(asked or DEFAULT_BACKBONE)
    if asked not in (None, EMBEDDED_BY, made_by):
        raise UsageError(
            f"{domains.dataset.name} holds embeddings, which a network has made already; leave "
            "--backbone out"
        )
    return made_by


def _recipe_on_images(
    name: str, backbone: str, trained_on: str, n_shot: int, preset: str, settings: Sequence[str]
) -> Recipe:
    pretrained = getattr(backbones[backbone], "pretrained", False)
    recipe = build_recipe(
        methods[name].recipe_type,
        preset=preset,
        n_shot=n_shot,
        dataset=datasets[trained_on].overrides if trained_on in datasets else {},
        settings=["pretrain=none", *settings] if pretrained else settings,
    )
    if pretrained and recipe.pretrain is not None:
        raise UsageError(f"{backbone} comes pretrained; leave the settings of 'pretrain' out")
    return recipe
