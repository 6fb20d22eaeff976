"""Embeddings of a network that knows its train images by heart are told apart from others."""

import numpy as np
import pytest

from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.method import methods
from fewshot_bench.training.memory import known_by_heart

DIM = 8


def dataset(**spread: float) -> Dataset:
    """Splits of clouds, so wide for their distance."""
    rng = np.random.default_rng(0)
    labels = np.arange(6).repeat(20)
    splits = {}
    for name, width in spread.items():
        clouds = rng.standard_normal((6, DIM))[labels]
        clouds += width * rng.standard_normal(clouds.shape)
        splits[name] = GivenSplit.of(clouds.astype(np.float32), labels)
    return Dataset("clouds", splits, "clouds", {})


@pytest.mark.parametrize(
    ("train", "val", "known"),
    [(0.01, 2.0, True), (2.0, 2.0, False), (0.01, 0.01, False), (0.3, 0.35, False)],
)
def test_it_is_told_where_nothing_is_left_to_learn(train: float, val: float, known: bool) -> None:
    cls = methods["ssl-meta"]
    method = cls(Precomputed(DIM), cls.recipe_type(), 5)
    told = known_by_heart(method, dataset(train=train, val=val))
    assert (told is not None) == known
    if told:
        assert told.startswith("class means answer 100.0 % of the queries of train images")
