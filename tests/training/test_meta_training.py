"""Meta-training: its episodes, its key, and what it leaves as it was."""

import itertools

import numpy as np
import pytest

from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import Scores
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.training import meta_training as meta_training_module
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import TrainingEpisodes, meta_training, training_spec
from tests.cells import config, same, train, weights
from tests.synthetic import make_dataset

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


def test_training_episodes_follow_the_recipe_or_the_test() -> None:
    protocol = config("proto-net", n_way=4, n_shot=2)
    assert training_spec(protocol, TrainRecipe(n_way=30, n_shot=5), 8).n_way == 8
    spec = training_spec(protocol, TrainRecipe(), 8)
    assert (spec.n_way, spec.n_shot, spec.n_query) == (4, 2, 4)


def test_the_shots_of_training_may_vary_from_step_to_step() -> None:
    recipe = TrainRecipe(n_shot=4, min_shot=2, tasks_per_step=3)
    episodes = TrainingEpisodes(make_dataset()["train"], EpisodeSpec(5, 4, 2), recipe, seed=1)
    shots = [episodes[step].support.shape[1] // 5 for step in range(40)]
    assert set(shots) == {2, 3, 4}
    assert shots == [episodes[step].support.shape[1] // 5 for step in range(40)]
    assert episodes[0].support.shape[0] == 3
    fixed = TrainingEpisodes(make_dataset()["train"], EpisodeSpec(5, 4, 2), TrainRecipe(), seed=1)
    assert {fixed[step].support.shape[1] for step in range(10)} == {20}


def key(**protocol: int | str) -> str:
    made: StoredWeights = meta_training(
        config("proto-net", "pretrain=none", **protocol), make_dataset(), TrainRecipe()
    )
    return made.key


def test_weights_are_keyed_by_what_makes_them_and_nothing_else() -> None:
    assert key() == key(n_episodes=999) == key(episode_seed=5)
    assert len({key(), key(n_shot=2), key(seed=1), key(n_way=3)}) == 4
