"""Plans: the runs that a request amounts to, complete and checked before the first minute."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import torch

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset, Split
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError, concerning
from fewshot_bench.evaluation.embeddings import NeedsImagesError
from fewshot_bench.method import methods
from fewshot_bench.recipe import Recipe, TrainRecipe
from fewshot_bench.runs.asked_methods import expanded, scoped
from fewshot_bench.runs.cells import Cell, Choice, Plan
from fewshot_bench.runs.configuration import given_weights, make_config
from fewshot_bench.runs.domains import Domains, open_domains
from fewshot_bench.runs.on_embeddings import require_splits
from fewshot_bench.runs.request import Request, Scoped
from fewshot_bench.runs.tuning import grid_points
from fewshot_bench.runs.weights import with_shared
from fewshot_bench.settings import setting_names
from fewshot_bench.training import pretraining, protocols
from fewshot_bench.training.meta_training import config_source


@dataclass(frozen=True)
class _Row:
    """A method on a data set and a backbone: what its cells have in common.

    Attributes:
        method: as it is registered.
        backbone: as it was asked for; None: the preset's own.
        domains: the data.
        given: what a configuration says of weights that were given.
        scope: preset and settings.
        from_group: nobody named the method, so it may be left out.
    """

    method: str
    backbone: str | None
    domains: Domains
    given: Mapping[str, str]
    scope: Scoped
    from_group: bool


def make_plan(request: Request) -> Plan:
    """Resolve a request to complete configurations.

    For preset ``paper``, whose numbers are for print, all rows are compared with their checksums.

    Raises:
        UsageError: something is unknown, does not fit, is damaged, or is not on this machine.
    """
    data = [open_domains(name, request.train_dataset) for name in request.datasets]
    if "paper" in (request.preset, *(own.preset for own in request.by_method.values())):
        for domains in data:
            domains.verify()
    cells: list[Cell] = []
    left_out: list[str] = []
    for row in _rows(request, data):
        try:
            cells += _checked(request, row)
        except NeedsImagesError as error:
            if not row.from_group:
                raise
            left_out.append(str(error))
    opened = {each.name: each for d in data for each in (d.dataset, d.training)}
    each_once = list({cell.config.key: cell for cell in cells}.values())
    found, shared = with_shared(each_once, lambda c: opened[c.train_dataset or c.dataset])
    plan = Plan(cells=found, shared=shared, left_out=tuple(dict.fromkeys(left_out)))
    return plan.model_copy(update={"sources": {c.key: config_source(c) for c in plan.configs}})


def _rows(request: Request, data: Sequence[Domains]) -> Iterator[_Row]:
    """Data set by data set and network by network, since these share most."""
    names = expanded(request.methods)
    scopes = scoped(request, list(names))
    if request.weights and len(request.backbones) > 1:
        raise UsageError("--weights are those of one network; name it with --backbone, once")
    for domains, backbone in product(data, request.backbones or (None,)):
        given: dict[str, str] = {}
        if request.weights:
            like = domains.training.images("train")
            given = given_weights(request.weights, backbone, like)
        for name, from_group in names.items():
            for scope in scopes[name].each:
                yield _Row(name, backbone, domains, given, scope, from_group)


def _checked(request: Request, row: _Row) -> tuple[Cell, ...]:
    """The cells of a row, each of whose runs can be carried out."""
    axes = product(row.scope.seeds, request.query_balances, request.ways, request.shots)
    plan = Plan(cells=tuple(_cell(request, row, *point) for point in axes))
    for config in plan.configs:
        own = row.domains if config.train_dataset else row.domains.at_home
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
    with concerning(config.method):
        check_training(config, recipe, domains)


def check_training(config: RunConfig, recipe: Recipe, domains: Domains) -> None:
    """Refuse a run that could not make its training and validation episodes, see `check_stages`."""
    if recipe.train is None and recipe.pretrain is None:
        return
    train, val = domains.training["train"], domains.training["val"]
    if recipe.train is not None:
        _require_weights(config, recipe, domains)
        _check_meta_training(config, recipe.train, train, val)
    if recipe.pretrain is not None:
        with _stage("validation in pretraining", ": give the val split more classes or images"):
            EpisodeSource(val, pretraining.validation_spec(val))


def _check_meta_training(config: RunConfig, recipe: TrainRecipe, train: Split, val: Split) -> None:
    largest = protocols.training_spec(config, recipe, len(train.class_names))
    shapes = protocols.fitting(protocols.training_shapes(largest, recipe), train)
    symmetric = methods[config.method].label_symmetric or not protocols.is_mixture(recipe)
    if not symmetric and {shape.n_way for shape in shapes} != {config.n_way}:
        raise UsageError(
            f"{config.method} is trained for the ways that it is tested with alone: it has weights "
            "for each place of a label; leave train.min_way and train.n_way out"
        )
    with _stage("meta-training", " (or set train.n_way, train.n_shot or train.n_query alone)"):
        for shape in shapes:
            EpisodeSource(train, shape)
    with _stage("validation in meta-training"):
        judges = protocols.validation_shapes(config, recipe, len(val.class_names))
        for shape in protocols.fitting(judges, val):
            EpisodeSource(val, shape)


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
    request: Request, row: _Row, seed: int, query_balance: str, n_way: int, n_shot: int
) -> Cell:
    scope, settings = row.scope, row.scope.settings
    protocol = request.protocol(n_way)
    protocol["n_episodes"] = scope.n_episodes or protocol["n_episodes"]

    def configure(domains: Domains, split: str, point: Sequence[str] = ()) -> RunConfig:
        config = make_config(
            row.method,
            row.backbone,
            domains.dataset,
            train_dataset=domains.train_dataset,
            preset=scope.preset or request.preset,
            n_shot=n_shot,
            settings=[*settings, *point],
            split=split,
            seed=seed,
            backbone_seed=None if request.backbone_seed == seed else request.backbone_seed,
            query_balance=query_balance,
            **protocol,
            **row.given,
        )
        return _seeded_by_backbone(config) if config.recipe["train"] is None else config

    points = grid_points(methods[row.method].recipe_type, settings) if request.tune else []
    at_home, domains = row.domains.at_home, row.domains
    choices = (
        Choice(
            settings=p,
            trial=configure(at_home, "val", p),
            config=configure(domains, request.split, p),
        )
        for p in points
    )
    return Cell(config=configure(domains, request.split), choices=tuple(choices))


def _seeded_by_backbone(config: RunConfig) -> RunConfig:
    """Say of a run without meta-training that its only seed is the backbone's."""
    update = {"seed": config.pretraining_seed, "backbone_seed": None}
    return config.model_copy(update=update)
