"""Which published number stands beside which of ours, fact by fact."""

from typing import Any

import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.pairing import (
    difference,
    differences,
    pretraining_of,
    same_method,
    same_protocol,
    theirs_for,
)
from fewshot_bench.report.published import published_for
from tests.report.test_beside import THEIRS, published

OURS: dict[Any, Any] = {
    "dataset": "cifar-fs",
    "n_way": 5,
    "n_shot": 1,
    "n_query": 15,
    "n_episodes": 2000,
    "query_balance": "balanced",
    "n_query_way": 0,
    "train_dataset": "",
    "split": "test",
    "method": "proto-net",
    "backbone": "conv4-64",
    "setting": "inductive",
    "weights": "",
    "recipe": {"pretrain.epochs": "40", "n_steps": "3"},
    "mean": 0.625,
}
BESIDE: dict[Any, Any] = {**THEIRS, "dataset": "cifar-fs"}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({}, {}, True),
        ({"dataset": "fc100"}, {}, False),
        ({"n_way": 20}, {}, False),
        ({"n_shot": 5}, {}, False),
        ({"n_way": 1, "n_shot": 5}, {}, False),
        ({"query_balance": "dirichlet:2.0"}, {}, False),
        ({"query_balance": "dirichlet:2.0"}, {"query_balance": "dirichlet:2.0"}, True),
        ({}, {"query_balance": "random"}, True),
        ({"query_balance": "random"}, {"query_balance": "random"}, False),
        ({"n_query_way": 2}, {}, False),
        ({"train_dataset": "omniglot"}, {}, False),
        ({"n_query": 5, "n_episodes": 600}, {}, True),
    ],
)
def test_the_same_question(ours: dict[Any, Any], theirs: dict[Any, Any], same: bool) -> None:
    assert same_protocol(OURS | ours, BESIDE | theirs) is same


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({}, {}, True),
        ({"method": "maml"}, {}, False),
        ({"backbone": "conv4"}, {}, False),
        ({}, {"backbone": "conv4-32 conv4-64"}, True),
        ({}, {"settings": "n_steps=3"}, True),
        ({}, {"settings": "n_steps=0"}, False),
        ({}, {"settings": "n_steps=3 pretrain.epochs=40"}, True),
        ({}, {"settings": "n_steps=3 pretrain.epochs=4"}, False),
        ({}, {"settings": "other=3"}, False),
    ],
)
def test_the_same_method(ours: dict[Any, Any], theirs: dict[Any, Any], same: bool) -> None:
    assert same_method(OURS | ours, BESIDE | theirs) is same


def test_a_difference_is_ours_less_theirs_in_points() -> None:
    assert difference(OURS, BESIDE | {"accuracy": "60.25"}) == 2.25


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ({}, {}, []),
        ({}, {"setting": "transductive"}, ["transductive there"]),
        ({}, {"variant": "wider"}, ["network with wider"]),
        ({}, {"variant": "wider", "backbone": "conv4-64 conv4-32"}, []),
        ({}, {"queries": "16"}, ["16 queries a class"]),
        ({}, {"queries": ""}, ["? queries a class"]),
        ({}, {"queries": "all others"}, ["queries: all others"]),
        ({}, {"query_balance": "random"}, ["unbalanced queries"]),
        ({}, {"episodes": "600"}, ["600 episodes"]),
        ({}, {"episodes": ""}, ["? episodes"]),
        ({}, {"pretraining": "none"}, ["not pretrained"]),
        ({}, {"pretraining": ""}, ["? pretraining"]),
        ({}, {"pretraining": "more"}, ["pretrained on more"]),
        ({}, {"extra_data": "val"}, ["val seen in training"]),
        ({"n_query": 5, "n_episodes": 6}, {}, ["15 queries a class", "2000 episodes"]),
    ],
)
def test_in_what_they_differ(
    ours: dict[Any, Any], theirs: dict[Any, Any], words: list[str]
) -> None:
    assert differences(OURS | ours, BESIDE | theirs) == words


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({}, "classes"),
        ({"recipe": {"pretrain.rotation": "0.0"}}, "classes"),
        ({"recipe": {"pretrain.rotation": "1.0"}}, "classes, rotations"),
        ({"recipe": {"pretrain.rotation": "0.5"}}, "classes, rotations"),
        ({"recipe": {"pretrain": "none"}}, "none"),
        ({"recipe": {}}, "none"),
        ({"weights": "weights x"}, "given weights"),
        ({"backbone": "timm:resnet50", "recipe": {}}, "given weights"),
        ({"backbone": "timmy"}, "classes"),
    ],
)
def test_what_a_backbone_has_learned(ours: dict[Any, Any], words: str) -> None:
    assert pretraining_of(OURS | ours) == words


def frame(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([OURS | change for change in changes])


def test_what_belongs_to_none_of_ours_is_left_out() -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"shots": 5},
        {"ways": 20},
        {"dataset": "FC100"},
        {"query_balance": "random"},
    ]
    theirs = published(*rows, {"query_balance": "dirichlet:2.0"})
    found = theirs_for(frame({}), theirs)
    assert found["query_balance"].tolist() == ["balanced", "random"]
    assert found["dataset"].tolist() == ["cifar-fs"] * 2
    assert [*found.index] == [0, 1]
    assert [*found.columns] == [*theirs.columns]
    assert theirs_for(frame({}, {"n_shot": 5}), theirs)["shots"].tolist() == [1, 5, 1]
    assert theirs_for(frame({}, {"n_way": 20}), theirs)["ways"].tolist() == [5, 20, 5]
    both = theirs_for(frame({}, {"dataset": "fc100"}), theirs)
    assert both["dataset"].tolist() == ["cifar-fs", "fc100", "cifar-fs"]
    imbalanced = frame({}, {"query_balance": "dirichlet:2.0"})
    assert len(theirs_for(imbalanced, theirs)) == 3
    crossed = frame({"train_dataset": "omniglot"}, {})
    assert len(theirs_for(crossed, theirs)) == len(
        theirs_for(frame({"n_query_way": 2}, {}), theirs)
    )
    assert len(theirs_for(crossed, theirs)) == 2


def test_one_run_on_val_among_others_is_refused() -> None:
    with pytest.raises(UsageError, match="published numbers are of split test"):
        theirs_for(frame({}, {"split": "val"}), published({}))


def test_data_sets_are_the_same_in_any_spelling_and_named_as_ours() -> None:
    theirs = published({"dataset": "Mini ImageNet"}, {"dataset": "CIFAR-FS"}, {"ways": 20})
    found = published_for(theirs, [("mini_imagenet", 5, 1), ("cifar-fs", 20, 1)])
    assert found[["dataset", "ways"]].to_numpy().tolist() == [
        ["mini_imagenet", 5],
        ["cifar-fs", 20],
    ]
    assert [*found.index] == [0, 1]
    assert [*found.columns] == [*theirs.columns]
    assert published_for(theirs, []).empty
    chosen = published_for(theirs.iloc[1:], [("mini_imagenet", 5, 1), ("cifar-fs", 20, 1)])
    assert chosen["dataset"].tolist() == ["cifar-fs"]  # of a frame that was filtered before
