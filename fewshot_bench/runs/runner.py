"""From a configuration to a finished run: data, pretraining, meta-training, evaluation."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import torch

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import Method, methods
from fewshot_bench.provenance.code_version import code_version
from fewshot_bench.recipe import Recipe
from fewshot_bench.results import CurvePoint, RunRecord
from fewshot_bench.runs.domains import domains_of
from fewshot_bench.runs.records import keep_record
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import config_source, meta_train, meta_training
from fewshot_bench.training.pretraining import build_backbone, pretrain, pretraining


@dataclass
class Trained:
    """A method ready for meta-test, and what is known of its training."""

    method: Method
    weights: StoredWeights | None = None
    curves: list[tuple[str, int, float]] = field(default_factory=list)
    train_seconds: float = 0.0
    pretrain_seconds: float = 0.0


def run(config: RunConfig, device: torch.device, renew: bool = False) -> RunRecord:
    """Carry a run out and keep its record.

    Stored weights are reused; with `renew`, unless other code or former images made them.

    Raises:
        UsageError: the data cannot fill the episodes, or they changed since.
    """
    started = datetime.now(UTC)
    domains = domains_of(config)
    source = EpisodeSource(domains.measured(config.split), config.spec, config.episode_seed)
    trained = prepare(config, domains.training, device, renew)
    result = evaluate(trained.method, source, config.n_episodes)
    record = RunRecord(
        config=config,
        result=result,
        curves=tuple(CurvePoint(name=n, step=s, value=v) for n, s, v in trained.curves),
        train_seconds=trained.train_seconds,
        pretrain_seconds=trained.pretrain_seconds,
        checkpoint=str(trained.weights.path) if trained.weights else None,
        code=code_version(),
        source=config_source(config),
        started=started,
        finished=datetime.now(UTC),
    )
    keep_record(record)
    return record


def prepare(
    config: RunConfig, dataset: Dataset, device: torch.device, renew: bool = False
) -> Trained:
    """Build the method with all weights that its recipe asks for, training what is missing.

    Args:
        config: of the run; the data that it is measured on do not matter here.
        dataset: to train and select on.
        device: to train on.
        renew: make weights of other code or former images anew.
    """
    method_type = methods[config.method]
    recipe: Recipe = method_type.recipe_type.model_validate(config.recipe)
    torch.manual_seed(config.seed)
    backbone = build_backbone(config.backbone, dataset.any_split, device)
    trained = Trained(method_type(backbone, recipe, config.n_way).to(device))
    if recipe.pretrain is not None:
        trained.weights = pretraining(dataset, config.backbone, recipe.pretrain, config.seed, renew)
        facts = pretrain(trained.weights, backbone, dataset, device)
        trained.pretrain_seconds = facts["seconds"]
        trained.curves += facts["curves"]
    if trained.method.uses_base:
        torch.manual_seed(config.seed)  # whether the pretraining was stored must not matter
        base = embed_split(trained.method, dataset["train"])
        labels = torch.from_numpy(dataset["train"].labels).to(base.device)
        trained.method.see_base(base, labels)
    if recipe.train is not None:
        trained.weights = meta_training(config, dataset, recipe.train, renew)
        facts = meta_train(trained.weights, trained.method, dataset, recipe.train)
        trained.train_seconds = facts["seconds"]
        trained.curves += facts["curves"]
    return trained
