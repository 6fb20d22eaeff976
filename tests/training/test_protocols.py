"""Protocols of a meta-training: one shape or a mixture, drawn step by step, judged as a whole."""

import numpy as np
import pytest
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import Scores
from fewshot_bench.method import methods
from fewshot_bench.recipe import TrainRecipe
from fewshot_bench.runs.cells import Cell
from fewshot_bench.runs.plan import check_stages
from fewshot_bench.runs.weights import with_shared
from fewshot_bench.training import meta_training as meta_training_module
from fewshot_bench.training.meta_training import TrainingEpisodes
from fewshot_bench.training.protocols import (
    balance_weights,
    fitting,
    training_shapes,
    training_spec,
    validation_shapes,
)
from tests.cells import config, same, train, weights
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home")

MIXTURE = (
    "train.min_way=2",
    "train.n_way=4",
    "train.min_shot=1",
    "train.n_shot=3",
    "train.query_balance=balanced,dirichlet:2",
)


def recipe_of(*settings: str) -> TrainRecipe:
    values = config("proto-net", *settings).recipe["train"]
    return TrainRecipe.model_validate(values)


def test_training_episodes_follow_the_recipe_or_the_test() -> None:
    protocol = config("proto-net", n_way=4, n_shot=2)
    assert training_spec(protocol, TrainRecipe(n_way=30, n_shot=5), 8).n_way == 8
    spec = training_spec(protocol, TrainRecipe(), 8)
    assert (spec.n_way, spec.n_shot, spec.n_query) == (4, 2, 4)
    own = training_spec(protocol, TrainRecipe(n_way=3, n_shot=5, n_query=7), 8)
    assert own == EpisodeSpec(3, 5, 7)
    odd = config("proto-net", n_way=4, query_balance="dirichlet:2.0")
    assert odd.spec.dirichlet == 2.0
    assert validation_shapes(odd, TrainRecipe(n_way=3, min_shot=1), 8) == [EpisodeSpec(4, 1, 4)]


def test_the_shots_of_training_may_vary_from_step_to_step() -> None:
    recipe = TrainRecipe(n_shot=4, min_shot=2, tasks_per_step=3)
    episodes = TrainingEpisodes(make_dataset()["train"], EpisodeSpec(5, 4, 2), recipe, seed=1)
    shots = [episodes[step].support.shape[1] // 5 for step in range(40)]
    assert set(shots) == {2, 3, 4}
    assert episodes[0].support.shape[0] == 3
    fixed = TrainingEpisodes(make_dataset()["train"], EpisodeSpec(5, 4, 2), TrainRecipe(), seed=1)
    assert {fixed[step].support.shape[1] for step in range(10)} == {20}


def test_a_mixture_is_all_combinations() -> None:
    assert set(training_shapes(EpisodeSpec(4, 3, 5), recipe_of(*MIXTURE))) == {
        EpisodeSpec(n_way, n_shot, 5, alpha)
        for n_way in (2, 3, 4)
        for n_shot in (1, 2, 3)
        for alpha in (None, 2.0)
    }


def test_the_protocol_of_a_step_depends_on_seed_and_step_alone() -> None:
    split, recipe = make_dataset()["train"], recipe_of(*MIXTURE, "train.tasks_per_step=2")
    largest = EpisodeSpec(4, 3, 5)
    there, back = (TrainingEpisodes(split, largest, recipe, seed=3) for _ in range(2))
    forth = [there[step] for step in range(60)]
    shapes = {(len(e.classes[0]), e.support.shape[1]) for e in forth}
    assert shapes == {(way, way * shot) for way in (2, 3, 4) for shot in (1, 2, 3)}
    for step in reversed(range(60)):
        for name, values in vars(back[step]).items():
            assert np.array_equal(values, getattr(forth[step], name)), (step, name)
    other = TrainingEpisodes(split, largest, recipe, seed=4)
    assert [other[i].support.shape for i in range(20)] != [e.support.shape for e in forth[:20]]
    counts = [np.bincount(labels) for e in forth for labels in e.query_labels]
    assert {len(set(count)) == 1 for count in counts} == {True, False}  # balanced, and not


def test_what_is_drawn_at_a_step_is_of_the_stream_of_its_shape() -> None:
    split, recipe = make_dataset()["train"], recipe_of(*MIXTURE, "train.tasks_per_step=2")
    found = TrainingEpisodes(split, EpisodeSpec(4, 3, 5), recipe, seed=3)[7]
    shapes = training_shapes(EpisodeSpec(4, 3, 5), recipe)
    streams = (EpisodeSource(split, shape, seed=3).indices(14, 2) for shape in shapes)
    assert sum(np.array_equal(found.query, stream.query) for stream in streams) == 1


def test_a_mixture_is_validated_on_its_ends_and_middles() -> None:
    wide = TrainRecipe(min_way=2, n_way=20, min_shot=1, n_shot=10, n_query=5)
    shapes = validation_shapes(config("proto-net"), wide, 16)
    assert {shape.n_way for shape in shapes} == {2, 6, 16}  # of 16 classes, not of 20
    assert {shape.n_shot for shape in shapes} == {1, 3, 10}
    assert len(shapes) == 9
    assert {(shape.n_query, shape.dirichlet) for shape in shapes} == {(5, None)}
    balances = recipe_of("train.query_balance=dirichlet:1,dirichlet:2", "train.n_way=none")
    assert validation_shapes(config("proto-net", n_way=4, n_shot=2), balances, 16) == [
        EpisodeSpec(4, 2, 3, alpha) for alpha in (1.0, 2.0)
    ]


def test_the_mean_over_the_mixture_selects(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[EpisodeSpec, int]] = []

    def scored(method: object, source: EpisodeSource, n: int, *_: object) -> Scores:
        asked.append((source.spec, n))
        accuracies = np.full(n, 0.1 * source.spec.n_way + (0.2 if source.spec.dirichlet else 0))
        return Scores(accuracies, accuracies, 0.0, "")

    monkeypatch.setattr(meta_training_module, "score_episodes", scored)
    settings = (*MIXTURE, "train.steps=1", "train.val_episodes=20", "pretrain=none")
    curves = train("proto-net", *settings).curves
    assert len(set(asked)) == 18
    assert {n for _, n in asked} == {2}  # 20 over 18 protocols
    first = {name: value for name, step, value in reversed(curves) if step == 0}
    assert first == {
        "train_val_acc": pytest.approx(0.4),  # the mean of 2, 3 and 4 ways is 0.3
        "train_val_acc_balanced": pytest.approx(0.3),
        "train_val_acc_dirichlet-2": pytest.approx(0.5),
    }


def test_weights_of_a_mixture_are_trained_once_for_all_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, ways = methods["proto-net"], []
    loss = kind.loss

    def noted(self: object, episode: Episode, labels: Tensor) -> Tensor:
        ways.append(episode.n_way)
        return loss(self, episode, labels)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "loss", noted)
    tests: list[dict[str, int | str]] = [
        {"n_shot": 1},
        {"n_shot": 5, "n_way": 3, "query_balance": "dirichlet:2.0", "n_query": 6},
    ]
    first, second = (train("proto-net", *MIXTURE, **test) for test in tests)
    assert len(ways) == 3
    assert same(weights(first), weights(second))
    assert (first.weights and first.weights.path) == (second.weights and second.weights.path)
    cells = [Cell(config=config("proto-net", *MIXTURE, **test)) for test in tests]
    found, shared = with_shared(cells, lambda _: make_dataset())
    assert found[0].needs == found[1].needs
    assert [work.title for work in shared][-1:] == [
        "training proto-net conv4-64 on synthetic 1- to 3-shot"
    ]
    alone, _ = with_shared(
        [Cell(config=config("proto-net", *MIXTURE[1:2], **test)) for test in tests],
        lambda _: make_dataset(),
    )
    assert alone[0].needs == alone[1].needs == found[0].needs[:1]  # the pretraining


@pytest.mark.parametrize(
    ("method", "settings", "says"),
    [
        ("proto-net", "query_balance=even", "'even' is no balance of queries; use 'balanced'"),
        ("proto-net", "query_balance=balanced,", "'' is no balance of queries"),
        ("proto-net", "min_shot=3 n_shot=2", "min_shot=3 is more than the 2 shots of"),
        ("proto-net", "min_shot=2", "min_shot=2 is more than the 1 shot of a training episode"),
        ("proto-net", "min_way=9 n_way=20", "min_way=9 is more than the 8 ways of"),
        ("proto-net", "query_balance=dirichlet:1 n_shot=28", "meta-training: 28 shots and 24 que"),
        ("ssl-meta", "min_way=2", "ssl-meta is trained for the ways that it is tested with alone"),
        ("ssl-meta", "n_way=4 query_balance=balanced", "leave train.min_way and train.n_way out"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(method: str, settings: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        texts = [f"train.{text}" for text in settings.split()]
        check_stages(config(method, *texts), make_dataset())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("settings", [MIXTURE[2:], ("train.query_balance=dirichlet:1",)])
def test_a_method_of_fixed_ways_takes_mixtures_of_all_else(settings: tuple[str, ...]) -> None:
    check_stages(config("ssl-meta", *settings), make_dataset())


def test_settings_of_the_test_alone_share_weights_whoever_trains_them() -> None:
    shape = ("train.n_way=3", "train.n_shot=2", "train.steps=2", "train.tasks_per_step=2")
    told, untold = ((*shape, f"balance={balance}") for balance in ("known", "estimated"))
    first = train("ssl-meta-plus", *told)
    assert vars(first.method.recipe)["balance"] == "known"  # given back after the training
    by_the_told = weights(first)
    second = train("ssl-meta-plus", *untold)
    assert first.weights is not None
    assert second.weights is not None
    assert first.weights.path == second.weights.path
    first.weights.path.unlink()
    assert same(by_the_told, weights(train("ssl-meta-plus", *untold)))
    assert config("ssl-meta-plus", *told).key != config("ssl-meta-plus", *untold).key


def test_imbalanced_episodes_have_the_queries_that_the_scarcest_class_allows() -> None:
    split = make_dataset()["train"]
    assert split.class_counts.min() == 30
    shapes = [EpisodeSpec(5, 5, 15), EpisodeSpec(5, 5, 15, 2.0), EpisodeSpec(5, 1, 2, 2.0)]
    assert fitting(shapes, split) == [shapes[0], EpisodeSpec(5, 5, 5, 2.0), shapes[2]]
    too_many = EpisodeSpec(5, 29, 1, 2.0)
    assert fitting([too_many], split) == [too_many]
    with pytest.raises(UsageError, match="29 shots and 5 queries need 34 of each class"):
        EpisodeSource(split, too_many)


def test_a_balance_named_twice_counts_twice() -> None:
    recipe = recipe_of("train.query_balance=balanced,dirichlet:2,balanced")
    drawn = [shape.dirichlet for shape in training_shapes(EpisodeSpec(4, 1, 5), recipe)]
    assert drawn == [None, 2.0, None]
    judges = validation_shapes(config("proto-net"), recipe, 16)
    assert [shape.dirichlet for shape in judges] == [None, 2.0]
    assert balance_weights(recipe) == {None: 2, 2.0: 1}
