"""Configurations: what is valid, and keys that stored results rest on."""

import pytest
from pydantic import ValidationError

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.runs.request import Request

FACTS = {
    "method": "ssl-meta",
    "backbone": "conv4-64",
    "dataset": "glyphs",
    "recipe": {"n_steps": 3},
    "data_checksum": "c" * 64,
}


def test_the_key_is_pinned() -> None:
    """Results stored by earlier versions are found by it: it must never change."""
    assert RunConfig(**FACTS).key == "4f5dc2f4ff037e9b"


def test_query_ways_count_where_they_say_something() -> None:
    plain, fewer = (RunConfig(**FACTS, n_query_way=k) for k in (None, 2))
    assert fewer.key != plain.key
    assert fewer.spec.n_queries == 30
    assert Request(methods=("tim",), n_query_way=5).protocol(5)["n_query_way"] is None


def test_what_was_trained_on_counts_and_what_is_said_of_it_does_not() -> None:
    crossed = RunConfig(**FACTS, train_dataset="omniglot", train_checksum="t" * 64)
    said = {"fitted": "28x28x1 -> 32x32x3", "shared_classes": 3}
    assert crossed.model_copy(update=said).key == crossed.key
    others = [RunConfig(**FACTS), crossed.model_copy(update={"train_checksum": "u" * 64})]
    others.append(crossed.model_copy(update={"train_dataset": "fc100"}))
    assert len({crossed.key, *(other.key for other in others)}) == 4
    assert crossed.title == "ssl-meta conv4-64 glyphs 1-shot, trained on omniglot"


def test_weights_that_are_given_count_and_their_name_does_not() -> None:
    given = RunConfig(**FACTS, backbone_weights="a" * 64, weights_name="net")
    assert given.model_copy(update={"weights_name": "other"}).key == given.key
    others = [RunConfig(**FACTS), given.model_copy(update={"backbone_weights": "b" * 64})]
    assert len({given.key, *(other.key for other in others)}) == 3
    assert given.title == "ssl-meta conv4-64 (weights net-aaaaaa) glyphs 1-shot"


@pytest.mark.parametrize("half", ["train_dataset", "train_checksum"])
def test_a_data_set_to_train_on_has_a_checksum(half: str) -> None:
    with pytest.raises(ValidationError, match="come together"):
        RunConfig(**FACTS, **{half: "omniglot"})


@pytest.mark.parametrize(
    ("n", "says"),
    [
        (0, ""),
        (1, "1 class of the test split of glyphs has the name of classes that omniglot trains"),
        (3, "3 classes of the test split of glyphs have the names of classes that omniglot"),
    ],
)
def test_classes_that_are_not_new_are_a_caution(n: int, says: str) -> None:
    trained_on = {"train_dataset": "omniglot", "train_checksum": "t" * 64}
    caution = RunConfig(**FACTS, **trained_on, shared_classes=n).caution
    assert caution.startswith(says)
    assert bool(caution) == bool(n)


@pytest.mark.parametrize("text", ["dirichlet:0", "dirichlet:-1", "skewed", "dirichlet:"])
def test_no_balance(text: str) -> None:
    with pytest.raises(UsageError, match="use 'balanced' or"):
        RunConfig(**FACTS, query_balance=text)
