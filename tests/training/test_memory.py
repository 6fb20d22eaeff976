"""Embeddings of a network that knows its train images by heart are told apart from others."""

import numpy as np
import pytest
import torch

from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.evaluation.features import FeatureTable
from fewshot_bench.training.memory import Seen, known_by_heart

DIM = 8


def seen(width: float, seed: int) -> Seen:
    """A split of clouds, so wide for their distance, and its embeddings."""
    rng = np.random.default_rng(seed)
    labels = np.arange(6).repeat(20)
    clouds = rng.standard_normal((6, DIM))[labels] + width * rng.standard_normal((120, DIM))
    split = GivenSplit.of(clouds.astype(np.float32), labels)
    return split, FeatureTable(split.tensor(slice(None), torch.device("cpu")))


@pytest.mark.parametrize(
    ("train", "val", "known"),
    [(0.01, 2.0, True), (2.0, 2.0, False), (0.01, 0.01, False), (0.3, 0.35, False)],
)
def test_it_is_told_where_nothing_is_left_to_learn(train: float, val: float, known: bool) -> None:
    told = known_by_heart(Precomputed(DIM), seen(train, 0), seen(val, 1))
    assert (told is not None) == known
    if told:
        assert told.startswith("class means answer 100.0 % of the queries of train images")
