"""Embeddings that somebody computed, in the place of images and their network."""

from collections.abc import Callable

import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.data.dataset import EMBEDDED_BY


class Precomputed(Backbone):
    """Stands for the network that made the embeddings: its images are embeddings already.

    Not among the registered backbones, as it knows no images.

    Args:
        dim: length D of the embeddings.
    """

    map_shape = None

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer("place", torch.empty(0), persistent=False)  # says on which device

    @property
    def out_dim(self) -> int:
        """Length D of the embeddings."""
        return self.dim

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings ``[N, D]`` as they are."""
        return images


def maker_of(name: str) -> Callable[..., Backbone]:
    """Return what makes a backbone, or stands for the one that made a data set's embeddings.

    Args:
        name: registered, or the backbone of a data set.

    Raises:
        UsageError: it is neither.
    """
    return Precomputed if name.partition(":")[0] == EMBEDDED_BY else backbones[name]
