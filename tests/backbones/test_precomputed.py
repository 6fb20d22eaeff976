"""Embeddings in the place of images."""

import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.evaluation.embeddings import build_on_embeddings, recipe_for_embeddings
from fewshot_bench.evaluation.features import embed_split
from tests.embeddings import make_arrays


def test_embeddings_come_through_as_they_are() -> None:
    backbone, embeddings = Precomputed(3), torch.randn(5, 3)
    assert backbone(embeddings) is embeddings
    assert backbone.out_dim == 3
    assert backbone.map_shape is None
    assert not backbone.state_dict()
    assert "precomputed" not in backbones


def test_a_split_of_embeddings_is_its_own_embedding() -> None:
    split = GivenSplit.of(*make_arrays(per_class=50))  # more than a chunk of images
    method = build_on_embeddings("logistic", 12, 5, recipe_for_embeddings("logistic", 1))
    assert torch.equal(embed_split(method, split), torch.from_numpy(split.embeddings))


def test_methods_without_weights_know_their_device() -> None:
    """No tensor is computed on the meta device, but every one knows that it lies there."""
    recipe, device = recipe_for_embeddings("logistic", 1), torch.device("meta")
    assert build_on_embeddings("logistic", 12, 5, recipe, device=device).device == device
    assert build_on_embeddings("logistic", 12, 5, recipe).device == torch.device("cpu")
