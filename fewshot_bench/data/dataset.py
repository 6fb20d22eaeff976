"""A data set as the harness sees it: splits of uint8 images sorted by class."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class ImageSplit:
    """One split: all its images in one array, class after class.

    Attributes:
        dataset: name of the data set.
        split: ``train``, ``val`` or ``test``.
        images: uint8 ``[N, H, W, C]``, usually memory-mapped; images of a class are contiguous.
        class_names: one name a class, in the order of the images.
        class_counts: int64 ``[n_classes]``, images of each class; sums to N.
        mean, std: per channel, of the *train* split's pixels in [0, 1].
        checksum: of this split's images, names and counts.
    """

    dataset: str
    split: str
    images: NDArray[np.uint8]
    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    checksum: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` of one image as a network sees it."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    @cached_property
    def class_offsets(self) -> NDArray[np.int64]:
        """Index of the first image of each class, int64 ``[n_classes]``."""
        return np.concatenate([[0], np.cumsum(self.class_counts)[:-1]]).astype(np.int64)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Class index of every image, int64 ``[N]``."""
        return np.repeat(np.arange(len(self.class_names)), self.class_counts)

    def pixels(self, indices: NDArray[np.int64] | slice) -> Tensor:
        """Read images as a uint8 tensor ``[n, C, H, W]`` in channels-last memory."""
        return torch.from_numpy(np.array(self.images[indices])).permute(0, 3, 1, 2)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Turn uint8 ``[n, C, H, W]`` into float32 of about zero mean and unit variance."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, -1, 1, 1)
        return (pixels.float() / 255 - mean) / std

    def tensor(self, indices: NDArray[np.int64] | slice, device: str | torch.device) -> Tensor:
        """Read images normalised, float32 ``[n, C, H, W]``, on `device`."""
        return self.normalise(self.pixels(indices).to(device))


@dataclass(frozen=True, eq=False)
class Dataset:
    """The three splits of a data set, with what is known of their origin.

    Attributes:
        name: registry name, or the name a user gave to an import.
        splits: by name.
        checksum: of all splits together; part of every run's key.
        provenance: JSON-like facts: source, importer, archive checksums, class split list.
    """

    name: str
    splits: dict[str, ImageSplit]
    checksum: str
    provenance: dict[str, object]

    def __getitem__(self, split: str) -> ImageSplit:
        return self.splits[split]
