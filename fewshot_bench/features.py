"""Embeddings of a whole split, computed once, and look-up of episodes in them."""

from typing import Protocol

import torch
from torch import Tensor

from fewshot_bench.data.augment import augment
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episode import Indices
from fewshot_bench.method import Method

# On a CPU small chunks stay in the caches, and below the size at which memory is given back.
_IMAGES_PER_CHUNK = {"cpu": 80}
_IMAGES_PER_CHUNK_GPU = 1024


class Table(Protocol):
    """Inputs of all images of a split, looked up by index.

    Attributes:
        embedded: True for embeddings, False for images.
        width: numbers an image takes.
        device: where looked-up inputs lie.
    """

    embedded: bool
    width: int
    device: torch.device

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return the inputs of images ``[T, n]`` as ``[T, n, ...]``."""
        ...


class FeatureTable:
    """Embeddings ``[N, D]`` of a split."""

    embedded = True

    def __init__(self, features: Tensor) -> None:
        self.features, self.device = features, features.device
        self.width = features.shape[1]

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return embeddings ``[T, n, D]``."""
        return self.features[torch.from_numpy(indices).to(self.device)]


class ImageTable:
    """Images of a split, normalised and, for training, augmented at every look-up."""

    embedded = False

    def __init__(self, split: ImageSplit, device: torch.device, augmentation: str = "none") -> None:
        self.split, self.device, self.augmentation = split, device, augmentation
        channels, height, width = split.image_shape
        self.width = channels * height * width

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return images ``[T, n, C, H, W]``."""
        pixels = self.split.pixels(indices.ravel()).to(self.device)
        images = self.split.normalise(augment(pixels, self.augmentation))
        return images.reshape(*indices.shape, *images.shape[1:])


@torch.no_grad()
def embed_split(method: Method, split: ImageSplit) -> FeatureTable:
    """Embed every image of a split, in the evaluation mode of the method's network."""
    method.eval()
    device = method.device
    chunk = _IMAGES_PER_CHUNK.get(device.type, _IMAGES_PER_CHUNK_GPU)
    parts = []
    for start in range(0, len(split.images), chunk):
        parts.append(method.embed(split.tensor(slice(start, start + chunk), device)))
    return FeatureTable(torch.cat(parts))
