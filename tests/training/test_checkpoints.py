"""Weights of a training, kept where their configuration says."""

from pathlib import Path

import pytest
import torch

from fewshot_bench.errors import UsageError
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.utilities.tensors import save_tensors

OUTCOME = {"seconds": 1.0, "curves": []}


def test_weights_in_the_place_of_others_are_refused(empty_home: Path) -> None:
    """They would fit, and the numbers would be those of another training."""
    mine, other = (StoredWeights({"kind": "backbone", "seed": seed}) for seed in (0, 1))
    other.finish({"x": torch.ones(2)}, OUTCOME)
    assert other.load()[1]["seconds"] == 1
    mine.folder.mkdir()
    other.path.rename(mine.path)
    with pytest.raises(UsageError, match="holds other weights than its place is for"):
        mine.load()
    save_tensors(mine.path, {"x": torch.ones(2)}, {"made_by": mine.facts})
    with pytest.raises(UsageError, match="holds other weights"):
        mine.load()
