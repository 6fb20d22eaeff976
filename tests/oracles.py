"""Agreement with independent implementations: their stored answers, and how ours are compared."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode


def close(ours: Tensor | None, theirs: Tensor) -> None:
    """Assert agreement to 1e-8; a weight without gradient counts as zero."""
    ours = torch.zeros_like(theirs) if ours is None else ours.reshape(theirs.shape)
    torch.testing.assert_close(ours.to(theirs.dtype), theirs, rtol=1e-8, atol=1e-8)


class Identity(Backbone):
    """Hands embeddings of length D through."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.in_shape = self.map_shape = (dim, 1, 1)

    def feature_map(self, images: Tensor) -> Tensor:
        return images


def load(shared: Path, name: str) -> dict[str, Tensor]:
    """Inputs, weights and answers of an implementation that is not ours, mostly float64."""
    with np.load(shared / "oracles" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}


def load_authors(shared: Path, name: str) -> dict[str, Tensor]:
    """Inputs, settings and answers of the authors' own code; what is not whole is float64."""
    with np.load(shared / "oracles" / f"authors_{name}.npz") as arrays:
        found = {key: np.asarray(arrays[key]) for key in arrays.files}
    numbers = {key: torch.from_numpy(x) for key, x in found.items() if x.dtype.kind in "fi"}
    return {key: x.double() if x.is_floating_point() else x for key, x in numbers.items()}


def embedded(data: dict[str, Tensor], n_way: int = 5) -> Episode:
    """The episode of an oracle on embeddings; all its tasks have one order of labels."""
    labels = data["support_labels"].expand(data["support"].shape[:2])
    return Episode(data["support"], labels, data["query"], n_way, embedded=True)
