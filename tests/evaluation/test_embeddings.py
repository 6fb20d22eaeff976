"""Methods on arrays of embeddings: right, reproducible, and refused where they cannot be."""

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.episodes.picture import draw_episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import (
    build_on_embeddings,
    evaluate_embeddings,
    recipe_for_embeddings,
)
from fewshot_bench.evaluation.evaluate import evaluate, inputs_of
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import methods
from fewshot_bench.results import Result
from tests.embeddings import ON_EMBEDDINGS, make_arrays
from tests.synthetic import make_method, make_split

X, Y = make_arrays()
FEW: dict[str, Any] = {"n_query": 5, "n_episodes": 40}


def nearest_mean(x: NDArray[Any], y: NDArray[Any], spec: EpisodeSpec, n: int) -> list[float]:
    """Accuracies of the nearest class mean, in plain numpy, on the same episodes."""
    x = x[np.argsort(y, kind="stable")]
    counts = np.unique(y, return_counts=True)[1]
    episodes = EpisodeSource(GivenSplit.of(x, np.sort(y)), spec).indices(0, n)
    assert episodes.query.max() < counts.sum()
    accuracies = []
    for i in range(n):
        support, labels = x[episodes.support[i]], episodes.support_labels[i]
        means = np.stack([support[labels == k].mean(0) for k in range(spec.n_way)])
        apart = np.linalg.norm(x[episodes.query[i]][:, None] - means, axis=-1)
        accuracies.append(float(np.mean(apart.argmin(1) == episodes.query_labels[i])))
    return accuracies


@pytest.mark.parametrize("shape", [(5, 1, 15), (3, 4, 6)])
def test_nearest_mean_is_that_of_numpy(shape: tuple[int, int, int]) -> None:
    n_way, n_shot, n_query = shape
    shape_of: dict[str, Any] = {
        "n_way": n_way,
        "n_shot": n_shot,
        "n_query": n_query,
        "n_episodes": 60,
    }
    found = evaluate_embeddings("simple-shot", X, Y, transform="UN", **shape_of)
    assert found.accuracies == pytest.approx(nearest_mean(X, Y, EpisodeSpec(*shape), 60))
    assert 0.3 < found.mean < 0.95


def test_centring_and_scaling_are_those_of_the_arrays() -> None:
    X_base, y_base = make_arrays(seed=7)
    centred = X - X_base.mean(0)
    scaled = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    found = evaluate_embeddings("simple-shot", X, Y, X_base=X_base, y_base=y_base, **FEW)
    plain = evaluate_embeddings("simple-shot", scaled, Y, transform="UN", **FEW)
    assert found.accuracies == plain.accuracies


@pytest.mark.parametrize("name", ["simple-shot", "pt-map", "fine-tune", "laplacian-shot"])
def test_embeddings_of_images_give_what_the_images_gave(name: str) -> None:
    """The stream of episodes included, as rows of both are in one order."""
    method, test = make_method(name).float(), make_split(split="test", noise=1.0)
    train = make_split()
    if method.uses_base:
        method.see_base(embed_split(method, train), torch.from_numpy(train.labels))
    of_images = evaluate(method, EpisodeSource(test, EpisodeSpec(5, 1, 5), 3), 40)
    found = evaluate_embeddings(
        name,
        embed_split(method, test),
        test.labels,
        X_base=embed_split(method, train),
        y_base=train.labels,
        seed=3,
        **FEW,
    )
    assert found.accuracies == of_images.accuracies
    assert found.episode_digest == of_images.episode_digest
    assert found.setting == of_images.setting


@pytest.mark.parametrize("name", sorted(ON_EMBEDDINGS))
def test_accuracies_can_be_recomputed_from_the_answers(name: str) -> None:
    spec: dict[str, Any] = {"n_way": 3, "n_query": 4, "n_episodes": 5}
    labels = np.array(["a", "b", "c", "d", "e", "f", "g", "h"])[Y]
    found = evaluate_embeddings(
        name, X, labels, predictions=True, seed=2, **spec, **ON_EMBEDDINGS[name]
    )
    assert found.predictions is not None
    assert found.query_labels is not None
    assert found.query_indices is not None
    assert found.classes is not None
    assert found.predictions.shape == found.query_labels.shape == (5, 12)
    right = found.predictions == found.query_labels
    assert right.mean(1).tolist() == pytest.approx(found.accuracies)
    truth = np.take_along_axis(found.classes, found.query_labels, axis=1)
    assert (labels[found.query_indices] == truth).all()
    without = evaluate_embeddings(name, X, labels, seed=2, **spec, **ON_EMBEDDINGS[name])
    assert without.predictions is None
    assert without.accuracies == found.accuracies


def test_answers_are_no_part_of_a_stored_result() -> None:
    found = evaluate_embeddings("logistic", X, Y, predictions=True, **FEW)
    restored = Result.model_validate_json(found.model_dump_json())
    assert restored.classes is None
    assert restored == found
    assert "answers" not in found.model_dump()
    assert found != found.model_copy(update={"seconds": -1.0})


@pytest.mark.parametrize("shuffled_queries", [False, True])
def test_unbalanced_queries(shuffled_queries: bool) -> None:
    balance = "dirichlet:2.0" if shuffled_queries else "balanced"
    X_many, y_many = make_arrays(per_class=80)
    found = evaluate_embeddings(
        "logistic", X_many, y_many, query_balance=balance, predictions=True, **FEW
    )
    assert found.query_labels is not None
    counts = {tuple(np.bincount(row, minlength=5)) for row in found.query_labels}
    assert (counts == {(5,) * 5}) != shuffled_queries


def test_random_weights_are_of_the_seed_and_the_users_numbers_are_left_alone() -> None:
    settings: dict[str, Any] = {"train": None, **FEW}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = evaluate_embeddings("snail", X, Y, **settings)
    assert torch.equal(torch.rand(3), expected)
    assert evaluate_embeddings("snail", X, Y, **settings).accuracies == first.accuracies
    recipe = recipe_for_embeddings("snail", 1, settings={"train": None})
    one, other = (build_on_embeddings("snail", 12, 5, recipe, seed=s).state_dict() for s in (0, 1))
    assert any(not torch.equal(one[key], other[key]) for key in one)
    unsaid = build_on_embeddings("snail", 12, 5, recipe).state_dict()
    assert all(torch.equal(one[key], unsaid[key]) for key in one)


@pytest.mark.parametrize("name", ["simple-shot", "fine-tune", "bd-cspn", "laplacian-shot", "tim"])
@pytest.mark.parametrize("transform", ["L2N", "UN"])
def test_without_centring_the_base_classes_change_nothing(name: str, transform: str) -> None:
    recipe = recipe_for_embeddings(name, 1, settings={"transform": transform})
    blind, seeing = (build_on_embeddings(name, 12, 5, recipe) for _ in range(2))
    assert not blind.uses_base
    assert build_on_embeddings(
        name,
        12,
        5,
        recipe_for_embeddings(name, 1, settings={"transform": "CL2N"}),
        GivenSplit.of(X, Y),
    ).uses_base
    seeing.see_base(torch.from_numpy(X).float(), torch.from_numpy(Y))
    source = EpisodeSource(GivenSplit.of(X, Y), EpisodeSpec(5, 1, 5))
    assert evaluate(blind, source, 20).accuracies == evaluate(seeing, source, 20).accuracies


@pytest.mark.parametrize("name", [name for name in methods if name not in ON_EMBEDDINGS])
def test_methods_that_cannot_say_why_in_one_line(name: str) -> None:
    """Unless they are meta-trained and are asked to do without it."""
    with pytest.raises(UsageError, match=f"^{name} .*on a data set, as evaluate") as error:
        evaluate_embeddings(name, X, Y, **FEW)
    assert "\n" not in str(error.value)


def test_what_needs_images_does_not_take_embeddings_for_them(tmp_path: Path) -> None:
    """Errors of whoever builds on the harness: users are refused before."""
    split = GivenSplit.of(X, Y)
    with pytest.raises(TypeError, match="MAML embeds images"):
        inputs_of(make_method("maml"), split)
    with pytest.raises(TypeError, match="only images"):
        draw_episode(EpisodeSource(split, EpisodeSpec(5, 1, 5)), 0, tmp_path / "episode.png")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"method": "simple-shoot"}, "did you mean 'simple-shot'"),
        ({"temperatur": 5}, "did you mean 'temperature'"),
        ({"temperature": "hot"}, "temperature='hot' does not fit"),
        ({"pretrain__epochs": 3}, "taken as they are; leave the setting 'pretrain.epochs' out"),
        ({"method": "proto-net"}, "take it untrained with train=None"),
        ({"transform": "CL2N"}, r"give X_base and y_base, or set transform='L2N' to do without"),
        ({"transform": "CL2N", "X_base": X}, "given together"),
        ({"transform": "CL2N", "X_base": X[:, :3], "y_base": Y}, "length 3, X of length 12"),
        ({"transform": "CL2N", "X_base": X, "y_base": Y[1:]}, "y_base"),
        ({"transform": "CL2N", "X_base": X[0], "y_base": Y}, "X_base"),
        ({"n_way": 9}, "X has 8 classes; ask for 8 ways or fewer"),
        ({"n_shot": 20}, "class '0' of X has 30; ask for"),
        ({"n_episodes": 0}, "begins at 1"),
        ({"seed": -1}, "seed at 0"),
        ({"query_balance": "even"}, "is no balance"),
    ],
)
def test_mistakes_are_told_in_one_line(call: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        evaluate_embeddings(**{"method": "tim", "X": X, "y": Y, **call})
    assert "\n" not in str(error.value)


def test_episodes_are_five_way_one_shot_with_fifteen_queries_unless_said_otherwise() -> None:
    plain: dict[str, Any] = {"transform": "UN", "n_episodes": 1}
    spelt: dict[str, Any] = {"n_way": 5, "n_shot": 1, "n_query": 15, "seed": 0}
    found = evaluate_embeddings("simple-shot", X, Y, **plain)
    said = evaluate_embeddings("simple-shot", X, Y, query_balance="balanced", **spelt, **plain)
    assert found.episode_digest == said.episode_digest
    assert len(found.accuracies) == 1
    assert signature(evaluate_embeddings).parameters["n_episodes"].default == 2000
