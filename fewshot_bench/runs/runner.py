"""From a configuration to a finished run: data, pretraining, meta-training, evaluation."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import torch

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.evaluation.predictions import predictions_path, writing_predictions
from fewshot_bench.method import Method, methods
from fewshot_bench.provenance.code_version import code_version
from fewshot_bench.recipe import Recipe
from fewshot_bench.records import keep_record, next_order
from fewshot_bench.results import CurvePoint, Result, RunRecord
from fewshot_bench.runs.domains import domains_of
from fewshot_bench.runs.weights import needed_weights
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import config_source, meta_train, meta_training
from fewshot_bench.training.pretraining import build_backbone, pretrain, pretraining
from fewshot_bench.utilities.shared_store import bring
from fewshot_bench.utilities.threads import meta_training_threads, pretraining_threads, threads


@dataclass
class Trained:
    """A method ready for meta-test, and what is known of its training."""

    method: Method
    weights: StoredWeights | None = None
    curves: list[tuple[str, int, float]] = field(default_factory=list)
    train_seconds: float = 0.0
    pretrain_seconds: float = 0.0


def run(
    config: RunConfig,
    device: torch.device,
    renew: bool = False,
    keep_predictions: bool = False,
    after: int = 0,
) -> RunRecord:
    """Carry a run out and keep its record, in place of a former one and its predictions.

    Args:
        config: of the run.
        device: to compute on.
        renew: make weights of other code or former images anew; others are reused.
        keep_predictions: keep every single answer beside the record.
        after: order of a run that this one comes after, see `RunRecord`.

    Raises:
        UsageError: the data cannot fill the episodes, or they changed since.
    """
    started = datetime.now(UTC)
    dataset, source = _opened(config)
    trained = prepare(config, dataset, device, renew)
    names = source.split.class_names
    keeping = writing_predictions(config.key, names) if keep_predictions else nullcontext(False)
    with keeping as keep:
        result = evaluate(trained.method, source, config.n_episodes, keep)
    if not keep_predictions:
        predictions_path(config.key).unlink(missing_ok=True)
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
        order=next_order(config.key, started, after),
    )
    keep_record(record)
    return record


def repeat(record: RunRecord, device: torch.device) -> None:
    """Evaluate a run again, by its stored weights, to keep its predictions; nothing is trained.

    Raises:
        UsageError: images or weights are not there any more, or the accuracies are others.
    """
    method, source = made_again(record.config, device)
    with writing_predictions(record.config.key, source.split.class_names) as keep:
        _require_same(record, evaluate(method, source, record.config.n_episodes, keep))


def with_answers(record: RunRecord, device: torch.device) -> Result:
    """Return the result of a run with every single answer, by evaluating it again.

    Raises:
        UsageError: as `repeat` does.
    """
    method, source = made_again(record.config, device)
    again = evaluate(method, source, record.config.n_episodes, True)
    _require_same(record, again)
    return record.result.model_copy(update={"answers": again.answers})


def made_again(config: RunConfig, device: torch.device) -> tuple[Method, EpisodeSource]:
    """Build the method of a finished run by its stored weights, with the episodes of the run.

    Raises:
        UsageError: images or weights are not there any more.
    """
    dataset, source = _opened(config)
    _require_weights(config, dataset)
    return prepare(config, dataset, device).method, source


def _opened(config: RunConfig) -> tuple[Dataset, EpisodeSource]:
    """Return what a run is trained on, and the episodes that it is measured on."""
    domains = domains_of(config)
    measured = domains.measured(config.split)
    return domains.training, EpisodeSource(measured, config.spec, config.episode_seed)


def _require_weights(config: RunConfig, dataset: Dataset) -> None:
    for weights in needed_weights(config, dataset):
        bring(weights.path)
        if not weights.path.exists():
            raise UsageError(
                f"{config.title}: its answers cannot be made again without {weights.path}, "
                "which is gone; --force trains and measures it anew"
            )


def _require_same(record: RunRecord, again: Result) -> None:
    first = record.result
    differing = np.flatnonzero(np.not_equal(first.accuracies, again.accuracies))
    if len(differing):
        i = differing[0]
        devices = dict.fromkeys([first.device, again.device])
        raise UsageError(
            f"{record.config.title}: evaluated again, {len(differing)} of {len(first.accuracies)} "
            f"episodes have other accuracies than the stored result (episode {i}: "
            f"{again.accuracies[i]:.4f}, stored {first.accuracies[i]:.4f}) on "
            f"{' after '.join(reversed(devices))}; weights or code changed, or the device rounds "
            "differently; --force measures it anew"
        )


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
    like = dataset.any_split
    backbone = build_backbone(config.backbone, like, device, config.backbone_weights)
    trained = Trained(method_type(backbone, recipe, config.n_way).to(device))
    if recipe.pretrain is not None:
        trained.weights = pretraining(
            dataset, config.backbone, recipe.pretrain, config.pretraining_seed, renew
        )
        with threads(pretraining_threads()):
            facts = pretrain(trained.weights, backbone, dataset, device)
        trained.pretrain_seconds = facts["seconds"]
        trained.curves += facts["curves"]
    if trained.method.uses_base:
        torch.manual_seed(config.seed)  # whether the pretraining was stored must not matter
        base = embed_split(trained.method, dataset["train"])
        labels = torch.from_numpy(dataset["train"].labels).to(base.device)
        with threads(1):  # sums round as their threads share them
            trained.method.see_base(base, labels)
    if recipe.train is not None:
        trained.weights = meta_training(config, dataset, recipe.train, renew)
        with threads(meta_training_threads(recipe.train.on_embeddings)):
            facts = meta_train(trained.weights, trained.method, dataset, recipe.train)
        trained.train_seconds = facts["seconds"]
        trained.curves += facts["curves"]
    return trained
