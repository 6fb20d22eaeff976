"""Every method and training step on a device that is none: what waits is told, see `pretend`.

Run by `tests.test_waiting`, and by hand as ``pytest tests/waiting.py``.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fewshot_bench.backbones.base import backbones, to_channels_last
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.resident import Pixels
from fewshot_bench.episodes.episode import Episode, EpisodeIndices
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.block import Block
from fewshot_bench.evaluation.evaluate import gather, score_episodes
from fewshot_bench.evaluation.features import FeatureTable, ImageTable
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.pretraining import _Batches
from fewshot_bench.training.pretraining_heads import PretrainingNet
from fewshot_bench.training.trainer import Trainer
from tests.pretend import NAME, Waits, like, pretended, there, watched
from tests.synthetic import make_method, make_split, make_tasks
from tests.training.jobs import kept, trainer

# How often a batch of tasks may be waited for, and why; others are never waited for.
ONCE = "once a batch of tasks, not once a step"
ALLOWED: dict[str, tuple[int, str]] = {
    "baseline": (1, f"{ONCE}: its start is drawn on the CPU, so that it is the same everywhere"),
    "baseline-plus": (1, "as baseline"),
    "logistic": (1, "looks in every sixteenth step whether it is at rest"),
    "metaoptnet-svm": (11, "looks whether it is at rest: a round more costs more than a look"),
    "ssl-meta-plus": (1, f"{ONCE}: in training whether tasks are balanced"),
    "tpn": (1, f"{ONCE}: whether its graph could be solved"),
}
FEW = ("n_steps", "epochs", "inner_steps", "test_steps", "weight_steps")  # they are all alike


def short(name: str) -> Method:
    """An untrained method that takes few steps."""
    method = make_method(name)
    few = {key: 1 for key in FEW if key in type(method.recipe).model_fields}
    method.recipe = method.recipe.model_copy(update=few)
    return method


def waits_of(name: str, work: Callable[[Method, Episode, Tensor], object]) -> dict[str, int]:
    method, (episode, labels) = short(name), make_tasks(2, 1, separable=False)
    with pretended() as device:
        there(method, device)
        shown = replace(
            episode,
            support=inputs(method, episode.support, device),
            support_labels=like(episode.support_labels, device),
            query=inputs(method, episode.query, device),
            embedded=not method.adapts_backbone,
            classes=torch.empty(2, 5, dtype=torch.int64, device=device),
        )
        with watched() as waits:
            work(method, shown, like(labels, device))
    return dict(waits)


def inputs(method: Method, images: Tensor, device: torch.device) -> Tensor:
    """Images, or the embeddings that a method wants: networks are tried by themselves."""
    if method.adapts_backbone:
        return like(images, device)
    return torch.empty(*images.shape[:2], method.embedding_dim, device=device)


def answer(method: Method, episode: Episode, labels: Tensor) -> None:
    with torch.no_grad():
        scores = method(replace(episode, classes=None))
    assert scores.shape == (2, 30, 5)
    assert scores.device == labels.device


def train(method: Method, episode: Episode, labels: Tensor) -> None:
    recipe = method.recipe.train
    assert recipe is not None
    method.train().backbone.requires_grad_(not recipe.frozen)
    torch.autograd.backward(method.loss(episode, labels))


@pytest.mark.parametrize("name", list(methods))
def test_an_answer_is_not_waited_for(name: str) -> None:
    waits = waits_of(name, answer)
    assert sum(waits.values()) <= ALLOWED.get(name, (0, ""))[0], waits


TRAINED = [name for name in methods if make_method(name).recipe.train is not None]


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_step_is_not_waited_for(name: str) -> None:
    waits = waits_of(name, train)
    assert sum(waits.values()) <= ALLOWED.get(name, (0, ""))[0], waits


def tensors_of(split: ImageSplit, device: torch.device, augmentation: str) -> Waits:
    """What is waited for to look up a batch of training episodes."""
    indices = EpisodeSource(split, EpisodeSpec(5, 1, 3)).indices(0, 2)
    table = ImageTable(split, device, augmentation)
    with watched() as waits:
        episode, labels = gather(table, indices, 5, training=True)
    assert {episode.support.device, episode.query.device, labels.device} == {device}
    return waits


def test_looking_images_up_and_augmenting_them_is_not_waited_for() -> None:
    split = make_split(channels=3)
    with pretended() as device:
        assert not tensors_of(split, device, "natural")


def test_looking_embeddings_up_is_not_waited_for() -> None:
    indices = EpisodeSource(make_split(), EpisodeSpec(5, 1, 3)).indices(0, 2)
    with pretended() as device:
        table = FeatureTable(torch.empty(240, 8, device=device))
        with watched() as waits:
            episode, labels = gather(table, indices, 5)
    assert episode.query.device == labels.device == device
    assert not waits


def test_an_evaluation_waits_once_a_batch_of_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its scores are finite; and it has the episodes that the CPU has."""
    source = EpisodeSource(make_split(), EpisodeSpec(5, 1, 3))
    features = torch.rand(240, 8, generator=torch.Generator().manual_seed(0))
    cls = methods["proto-net"]
    method = cls(Precomputed(8), build_recipe(cls.recipe_type), 5)
    truth = score_episodes(method, source, 2500, FeatureTable(features))

    def answered(indices: EpisodeIndices, scores: Iterable[Tensor]) -> Block:
        assert {part.device.type for part in scores} == {NAME}
        nothing = np.zeros(len(indices.support))
        return Block(indices, nothing, nothing, nothing, nothing, np.zeros(15))  # type: ignore[arg-type]

    monkeypatch.setattr("fewshot_bench.evaluation.evaluate.block_of", answered)
    with pretended() as device:
        there(method, device)
        table = FeatureTable(like(features, device))
        with watched() as waits:
            scores = score_episodes(method, source, 2500, table)
    assert scores.digest == truth.digest
    assert len(scores.accuracies) == 2500
    assert sum(waits.values()) == 3, waits


def test_images_are_brought_to_a_device_once() -> None:
    split = make_split(channels=3)
    with pretended() as device:
        pixels = Pixels(split, device)
        pixels.split = replace(split, images=np.empty((0, 16, 16, 3), np.uint8))  # is not asked
        batch = pixels[np.array([3, 1, 2])]
        assert batch.shape == (3, 3, 16, 16)
        assert batch.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", ["resnet12-metaopt", "conv4-64-dropout"])
def test_a_network_is_not_waited_for(name: str) -> None:
    """Those that draw random numbers: where they are drawn counts too."""
    network = to_channels_last(backbones[name]((3, 32, 32))).train()
    with pretended() as device:
        there(network, device)
        with watched() as waits:
            torch.autograd.backward(network(torch.empty(2, 3, 32, 32, device=device)).sum())
    assert not waits


@pytest.mark.parametrize(("rotation", "optimizer"), [(0.0, "sgd"), (1.0, "adam")])
def test_a_step_of_pretraining_is_not_waited_for(
    rotation: float, optimizer: str, tmp_path: Path
) -> None:
    split = make_split(channels=3)
    settings = {"rotation": rotation, "optimizer": optimizer, "batch_size": 16, "clip_norm": 1.0}
    recipe = PretrainRecipe.model_validate(settings)
    backbone = Conv4(split.image_shape, (8, 8, 8))
    to_channels_last(backbone)
    net = PretrainingNet(backbone, 8, recipe)
    with pretended() as device:
        there(net, device)
        batches = _Batches(split, recipe, 0, device)

        def objective(step: int) -> Tensor:
            return net.train().loss(*batches[step])

        job = Trainer("t", "it", net, objective, float, recipe, 9, 9, 0, kept(tmp_path))
        with watched() as waits:
            job._step(0)
            waits.clear()  # of what is brought there once
            assert not job._advance()
    assert not waits


def test_what_waits_is_seen() -> None:
    """The device tells of all that the others must not do."""
    acts: dict[str, Callable[[Tensor], object]] = {
        "_local_scalar_dense": lambda x: bool(x.sum() > 0),
        "_to_copy": lambda x: x.cpu(),
        "copy_": lambda x: x.copy_(torch.ones(3, 3)),
        "_linalg_check_errors": torch.linalg.inv,
    }
    with pretended() as device:
        x = torch.empty(3, 3, device=device)
        for name, act in acts.items():
            with watched() as waits:
                act(x)
            assert [key.split()[0] for key in waits] == [name]
        with pytest.raises(RuntimeError, match="same device"):
            x + torch.ones(3, 3)


def test_losses_that_were_not_read_at_once_are_told_by_their_steps(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    job.state.step, job._unread = 7, [torch.tensor(x) for x in (0.5, float("nan"), 2.0)]
    with pytest.raises(UsageError, match="became nan at step 5"):
        job._read_losses()
    job._unread = [torch.tensor(0.5), torch.tensor(2.0)]
    job._save()
    assert (job.state.recent, job._unread) == ([0.5, 2.0], [])
