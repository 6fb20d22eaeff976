"""A data set as the harness sees it: splits of images, or of embeddings, sorted by class."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SPLITS = ("train", "val", "test")
# The backbone of a data set of embeddings: this, or with a colon and a name if one is known.
EMBEDDED_BY = "precomputed"
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """What episodes are made of: rows of a few classes, class after class.

    Attributes:
        dataset: name of the data set.
        split: ``train``, ``val`` or ``test``.
        class_names: one name a class, in the order of the rows.
        class_counts: int64 ``[n_classes]``, rows of each class; sums to N.
        checksum: of this split's rows, names and counts.
    """

    dataset: str
    split: str
    class_names: tuple[str, ...]
    class_counts: Indices
    checksum: str

    def __len__(self) -> int:
        """Rows of the split, N."""
        return int(self.class_counts.sum())

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"the {self.split} split of {self.dataset}"

    @property
    def where(self) -> str:
        """Where its rows come from, for messages: their file, if they are read from one."""
        file = getattr(self.rows, "filename", None)
        return str(file) if file else self.title

    @cached_property
    def class_offsets(self) -> Indices:
        """Index of the first row of each class, int64 ``[n_classes]``."""
        return np.concatenate([[0], np.cumsum(self.class_counts)[:-1]]).astype(np.int64)

    @cached_property
    def labels(self) -> Indices:
        """Class index of every row, int64 ``[N]``."""
        return np.repeat(np.arange(len(self.class_names)), self.class_counts)

    @property
    def class_labels(self) -> NDArray[Any]:
        """What whoever made the split calls its classes, ``[n_classes]``: their names."""
        return np.asarray(self.class_names)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows as they are stored, ``[N, ...]``, usually memory-mapped."""
        raise TypeError(f"{type(self).__name__} does not say what its rows are")

    def given_at(self, indices: Indices) -> Indices:
        """Where rows of the split lay in what it was made from: at the same place."""
        return indices

    @property
    def fitting(self) -> dict[str, object]:
        """What is done to rows before a network sees them, JSON-like; empty: they are its own."""
        return {}

    def tensor(self, indices: Indices | slice, device: "str | torch.device") -> "Tensor":
        """Read rows as a network wants them, float32 ``[n, ...]``, on `device`."""
        raise TypeError(f"{type(self).__name__} does not say what its rows are")


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageSplit(Split):
    """A split of uint8 images, all in one array.

    Attributes:
        images: uint8 ``[N, H, W, C]``, usually memory-mapped; images of a class are contiguous.
        mean, std: per channel, of the *train* split's pixels in [0, 1].
    """

    images: NDArray[np.uint8]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def rows(self) -> NDArray[np.uint8]:
        """All images."""
        return self.images

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` of one image as a network sees it."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def pixels(self, indices: Indices | slice) -> "Tensor":
        """Read images as a uint8 tensor ``[n, C, H, W]`` in channels-last memory."""
        import torch  # whoever only counts images does without

        return torch.from_numpy(np.array(self.images[indices])).permute(0, 3, 1, 2)

    def normalise(self, pixels: "Tensor") -> "Tensor":
        """Turn uint8 ``[n, C, H, W]`` into float32 of about zero mean and unit variance."""
        from fewshot_bench.utilities.devices import constant

        values = pixels.float() / 255
        mean, std = (constant(x, values).view(1, -1, 1, 1) for x in (self.mean, self.std))
        return (values - mean) / std

    def tensor(self, indices: Indices | slice, device: "str | torch.device") -> "Tensor":
        """Read images normalised, float32 ``[n, C, H, W]``, on `device`."""
        import torch

        from fewshot_bench.utilities.devices import to_device

        return self.normalise(to_device(self.pixels(indices), torch.device(device)))


@dataclass(frozen=True, eq=False)
class Dataset:
    """The splits of a data set, with what is known of their origin.

    Attributes:
        name: registry name, or the name a user gave to an import.
        splits: by name; train and val may lack where they are embeddings.
        checksum: of all splits together; part of every run's key.
        provenance: JSON-like facts: source, importer, archive checksums, class split list.
        backbone: that made its embeddings, see `EMBEDDED_BY`; None for images.
    """

    name: str
    splits: Mapping[str, Split]
    checksum: str
    provenance: dict[str, object]
    backbone: str | None = None

    def __getitem__(self, split: str) -> Split:
        """Return a split.

        Raises:
            UsageError: the data set came without it.
        """
        if split not in self.splits and split in SPLITS:
            raise UsageError(
                f"{self.name} has no {split} split; import its {split} classes too, or split all "
                "with --split 60/20/20"
            )
        return self.splits[split]

    @property
    def any_split(self) -> Split:
        """A split, to see what rows are like: they are in all of them."""
        return next(iter(self.splits.values()))

    def images(self, split: str) -> ImageSplit:
        """Return a split of images.

        Raises:
            UsageError: they are embeddings.
        """
        images = self[split]
        if not isinstance(images, ImageSplit):
            raise UsageError(f"{self.name} holds embeddings; name a data set of images")
        return images
