"""Meta-training: its episodes, its key, and what it leaves as it was."""

import itertools
from typing import get_args

import numpy as np
import pytest
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import Scores
from fewshot_bench.recipe import Augmentation, TrainRecipe
from fewshot_bench.training import meta_training as meta_training_module
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import (
    TrainingEpisodes,
    config_source,
    meta_train,
    meta_training,
)
from tests.cells import config, same, train, weights
from tests.synthetic import make_dataset, make_method

pytestmark = pytest.mark.usefixtures("empty_home")


@pytest.fixture
def every_step_validates_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a training end with its last weights."""
    rising = itertools.count()

    def scored(*_: object) -> Scores:
        rank = np.array([float(next(rising))])
        return Scores(rank, rank, 0.0, "")

    monkeypatch.setattr(meta_training_module, "score_episodes", scored)


@pytest.mark.usefixtures("every_step_validates_better")
def test_a_frozen_backbone_stays_as_it_was() -> None:
    trained, fixed = weights(train("ssl-meta")), weights(train("ssl-meta", "train=none"))
    backbone = {name: t for name, t in trained.items() if name.startswith("backbone.")}
    assert same(backbone, fixed)
    assert not same(trained, fixed)
    free = weights(train("ssl-meta", "train.frozen=false"))
    assert not same(backbone, free)


@pytest.mark.usefixtures("every_step_validates_better")
def test_images_are_augmented_before_a_frozen_backbone() -> None:
    augmented, stored = (
        weights(train("ssl-meta", "train.steps=3", f"train.augment={how}"))
        for how in ("natural", "none")
    )
    assert not same(augmented, stored)
    backbone = {name: t for name, t in augmented.items() if name.startswith("backbone.")}
    assert same(backbone, stored)


def test_a_step_has_the_next_episodes_of_the_stream() -> None:
    split, spec = make_dataset()["train"], EpisodeSpec(5, 1, 2)
    episodes = TrainingEpisodes(split, spec, TrainRecipe(tasks_per_step=3), seed=1)
    stream = EpisodeSource(split, spec, seed=1)
    for step in (0, 1, 63, 64, 200, 1):  # blocks of 64 are sampled at once
        found, expected = episodes[step], stream.indices(3 * step, 3)
        for name, values in vars(expected).items():
            assert (getattr(found, name) == values).all(), name


@pytest.mark.parametrize(
    ("frozen", "augment"), [(False, "none"), (True, "none"), (True, "natural")]
)
def test_modes_and_names_follow_from_what_is_trained(
    frozen: bool, augment: Augmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset()
    recipe = TrainRecipe(
        steps=3,
        val_every=2,
        val_episodes=3,
        n_query=2,
        frozen=frozen,
        augment=augment,
        tasks_per_step=2,
    )
    stored = meta_training(config("proto-net"), dataset, recipe)
    method = make_method("proto-net").float()
    method.backbone.weights_key = "pretrained"
    modes: list[tuple[bool, bool, int]] = []
    loss = method.loss

    def noted(episode: Episode, labels: Tensor) -> Tensor:
        modes.append((method.training, method.backbone.training, len(labels)))
        assert episode.embedded == (frozen and augment == "none")
        assert episode.classes is not None
        value = loss(episode, labels)
        return value if value.requires_grad else value.clone().requires_grad_()

    monkeypatch.setattr(method, "loss", noted)
    facts = meta_train(stored, method, dataset, recipe)
    assert modes == [(True, not frozen, 2)] * 3
    assert [step for name, step, _ in facts["curves"] if name == "train_val_acc"] == [0, 2, 3]
    named = "pretrained" if frozen else f"{stored.key}-{stored.source}"
    assert method.backbone.weights_key == named
    assert {p.requires_grad for p in method.backbone.parameters()} == {not frozen}
    monkeypatch.setattr(method, "loss", None)
    assert meta_train(stored, method, dataset, recipe) == facts  # loads


def key(**protocol: int | str) -> str:
    made: StoredWeights = meta_training(
        config("proto-net", "pretrain=none", **protocol), make_dataset(), TrainRecipe()
    )
    return made.key


def test_weights_are_keyed_by_what_makes_them_and_nothing_else() -> None:
    assert key() == key(n_episodes=999) == key(episode_seed=5)
    assert key() == key(query_balance="dirichlet:2.0")
    assert len({key(), key(n_shot=2), key(seed=1), key(n_way=3)}) == 4
    dataset = make_dataset()
    given = config("proto-net", "pretrain=none").model_copy(update={"backbone_weights": "abc"})
    stored = meta_training(given, dataset, TrainRecipe(), renew=True)
    assert stored.renew
    assert stored.key != key()
    assert stored.facts["backbone_weights"] == "abc"
    assert stored.source == config_source(given)
    plain = meta_training(config("proto-net", "pretrain=none"), dataset, TrainRecipe())
    assert "backbone_weights" not in plain.facts
    assert (plain.facts["kind"], plain.facts["version"], plain.renew) == ("method", 1, False)
    versions = {
        (frozen, augment): meta_training(
            config("proto-net", "pretrain=none"),
            dataset,
            TrainRecipe(frozen=frozen, augment=augment),
        ).facts["version"]
        for frozen in (True, False)
        for augment in get_args(Augmentation)[:2]
    }
    assert [case for case, version in versions.items() if version != 1] == [(True, "shift")]
    other = meta_training(config("proto-net", "pretrain=none"), make_dataset(1), TrainRecipe())
    assert other.key != plain.key


def test_a_network_that_knows_its_images_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(meta_training_module, "known_by_heart", lambda *_: "nothing to learn")
    train("ssl-meta", "train.frozen=false")
    assert "nothing to learn" not in capsys.readouterr().err
    train("ssl-meta")
    assert "warning: ssl-meta: nothing to learn\n" in capsys.readouterr().err
    train("ssl-meta")
    assert "nothing to learn" not in capsys.readouterr().err, "these weights are there already"
