"""Configurations: what is valid, and keys that stored results rest on."""

import pytest

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
    assert Request(methods=("tim",), n_query_way=5).protocol["n_query_way"] is None


@pytest.mark.parametrize("text", ["dirichlet:0", "dirichlet:-1", "skewed", "dirichlet:"])
def test_no_balance(text: str) -> None:
    with pytest.raises(UsageError, match="use 'balanced' or"):
        RunConfig(**FACTS, query_balance=text)
