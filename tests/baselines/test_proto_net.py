"""Prototypical networks against easyfsl."""

from pathlib import Path

import pytest
import torch

from fewshot_bench.method import methods
from tests.oracles import Identity, close, embedded, load


@pytest.mark.parametrize("shot", [1, 5])
def test_proto_net_agrees_with_easyfsl(shared: Path, shot: int) -> None:
    """easyfsl scores by the un-squared distance: the order of classes is what agrees."""
    data = load(shared, f"easyfsl_proto_net_{shot}shot")
    cls = methods["proto-net"]
    method = cls(
        Identity(data["support"].shape[-1]),
        cls.recipe_type.model_validate({"scale": None}),
        5,
    )
    scores = method(embedded(data))
    close(-(-scores).sqrt(), data["scores"])
    assert torch.equal(scores.argmax(-1), data["predictions"].long())
