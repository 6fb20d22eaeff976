"""From configuration to trained method, on small made-up data."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fewshot_bench.config import RunConfig
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import Scores
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import methods
from fewshot_bench.provenance.code_digest import source_digest
from fewshot_bench.recipe import Recipe, TrainRecipe
from fewshot_bench.runs.plan import make_config
from fewshot_bench.runs.records import record_path, stored_record
from fewshot_bench.runs.runner import Trained, pick_device, prepare
from fewshot_bench.training import meta_training as meta_training_module
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import TrainingEpisodes, meta_training, training_spec
from fewshot_bench.utilities.tensors import load_tensors
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home")

SHORT = [
    "pretrain.epochs=1",
    "pretrain.val_episodes=5",
    "train.steps=3",
    "train.val_every=2",
    "train.val_episodes=5",
    "train.n_query=3",
]
CPU = torch.device("cpu")


def config(method: str, *settings: str, **protocol: int | str) -> RunConfig:
    return make_config(
        method,
        "conv4-64",
        make_dataset(),
        settings=[*SHORT, *settings],
        **{"n_query": 4, "n_episodes": 10, **protocol},  # type: ignore[arg-type]
    )


def train(method: str, *settings: str, **protocol: int | str) -> Trained:
    return prepare(config(method, *settings, **protocol), make_dataset(), CPU)


def weights(trained: Trained) -> dict[str, Tensor]:
    state: dict[str, Tensor] = trained.method.state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("method", ["ssl-meta", "proto-net", "maml"])
def test_training_is_repeatable_and_depends_on_the_seed(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = weights(train(method))
    other = weights(train(method, seed=1))
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "another"))
    assert same(first, weights(train(method)))
    assert not same(first, other)


def test_stored_weights_are_reused() -> None:
    first = train("ssl-meta")
    assert first.weights is not None
    written = first.weights.path.stat().st_mtime_ns
    again = train("ssl-meta")
    assert again.weights == first.weights
    assert again.weights.path.stat().st_mtime_ns == written
    assert same(weights(first), weights(again))
    assert again.curves == first.curves
    assert {name for name, _, _ in map(tuple, again.curves)} == {
        "pretrain_loss",
        "pretrain_val_acc",
        "train_loss",
        "train_val_acc",
    }


def test_one_pretrained_backbone_serves_every_method_that_asks_for_it(empty_home: Path) -> None:
    train("ssl-meta")
    train("maml")  # SHORT asks for pretraining
    kinds = sorted(path.name.split("-")[0] for path in (empty_home / "weights").iterdir())
    assert kinds == ["backbone", "method", "method"]


def test_weights_by_other_code_are_named_and_made_anew_if_asked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    first = train("ssl-meta")
    assert first.weights is not None
    written = first.weights.path.stat().st_mtime_ns
    digest = source_digest
    monkeypatch.setattr(
        meta_training_module, "source_digest", lambda *things: digest(*things) + "edited"
    )
    assert "by other code" not in capfd.readouterr().err
    train("ssl-meta")
    assert "was made by other code; --force makes it anew" in capfd.readouterr().err
    assert first.weights.path.stat().st_mtime_ns == written
    prepare(config("ssl-meta"), make_dataset(), CPU, renew=True)
    made = load_tensors(first.weights.path)[1]
    assert made["source"].endswith("edited")
    written = first.weights.path.stat().st_mtime_ns
    prepare(config("ssl-meta"), make_dataset(), CPU, renew=True)  # nothing is stale now
    assert first.weights.path.stat().st_mtime_ns == written


def test_images_that_changed_since_the_pretraining_are_refused() -> None:
    first = train("ssl-meta")
    changed = replace(make_dataset(), checksum="0" * 64)
    asked = config("ssl-meta").model_copy(update={"data_checksum": changed.checksum})
    with pytest.raises(UsageError, match=r"changed since backbone-.*with --force"):
        prepare(asked, changed, CPU)
    again = prepare(asked, changed, CPU, renew=True)
    assert again.weights is not None
    assert first.weights is not None
    assert again.weights.path != first.weights.path


def test_a_damaged_or_misplaced_result_is_one_line(empty_home: Path) -> None:
    path = record_path("k")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UsageError, match="is damaged; delete it"):
        stored_record("k")


@pytest.fixture
def every_step_validates_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a training end with its last weights."""
    rising = itertools.count()

    def scored(*_: object) -> Scores:
        return Scores(torch.tensor([float(next(rising))]), "")

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


def test_a_method_sees_the_train_split_once_and_before_it_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    proto_net = methods["proto-net"]
    monkeypatch.setattr(proto_net, "uses_base", True)
    monkeypatch.setattr(proto_net, "see_base", lambda _, *base: seen.append(base))
    untrained = train("proto-net", "train=none").method
    ((embeddings, labels),) = seen
    split = make_dataset()["train"]
    torch.testing.assert_close(embeddings, embed_split(untrained, split))
    assert labels.tolist() == split.labels.tolist()
    train("proto-net")
    assert torch.equal(seen[1][0], embeddings)


def key(**protocol: int | str) -> str:
    made: StoredWeights = meta_training(
        config("proto-net", "pretrain=none", **protocol), make_dataset(), TrainRecipe()
    )
    return made.key


def test_weights_are_keyed_by_what_makes_them_and_nothing_else() -> None:
    assert key() == key(n_episodes=999) == key(episode_seed=5)
    assert len({key(), key(n_shot=2), key(seed=1), key(n_way=3)}) == 4


def test_a_run_is_keyed_by_all_that_determines_it() -> None:
    changes: list[dict[str, int | str]] = [
        {},
        {"n_episodes": 11},
        {"episode_seed": 1},
        {"query_balance": "dirichlet:2.0"},
        {"seed": 1},
        {"n_shot": 2},
    ]
    keys = {config("maml", **change).key for change in changes}
    keys.add(config("maml", "inner_lr=0.3").key)
    assert len(keys) == 7
    recipe = Recipe().model_dump(mode="json")
    plain = config("maml").model_copy(update={"recipe": recipe})
    assert plain.key == plain.model_copy(update={"preset": "smoke"}).key


def test_devices() -> None:
    assert pick_device("cpu") == CPU
    with pytest.raises(UsageError, match="no device 'abacus' here; use --device cpu"):
        pick_device("abacus")
