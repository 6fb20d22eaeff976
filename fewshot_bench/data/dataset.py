"""A data set as the harness sees it: splits of images, or of embeddings, sorted by class."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.content import split_header
from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SPLITS = ("train", "val", "test")
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
        values = pixels.float() / 255
        mean, std = (values.new_tensor(x).view(1, -1, 1, 1) for x in (self.mean, self.std))
        return (values - mean) / std

    def tensor(self, indices: Indices | slice, device: "str | torch.device") -> "Tensor":
        """Read images normalised, float32 ``[n, C, H, W]``, on `device`."""
        return self.normalise(self.pixels(indices).to(device))


@dataclass(frozen=True, eq=False, kw_only=True)
class EmbeddingSplit(Split):
    """A split of embeddings that somebody computed, see `of`.

    Attributes:
        embeddings: float32 ``[N, D]``, sorted by class.
        order: int64 ``[N]``, at which row of the given array each lay.
        classes: ``[n_classes]``, the labels that were given, each once.
    """

    embeddings: NDArray[np.float32]
    order: Indices
    classes: NDArray[Any]

    @classmethod
    def of(
        cls, embeddings: Any, labels: Any, split: str = "test", names: tuple[str, str] = ("X", "y")
    ) -> "EmbeddingSplit":
        """Sort embeddings by class; those of a class keep their order.

        Args:
            embeddings: array or tensor ``[N, D]`` of any type of numbers; becomes float32.
            labels: array, tensor or list ``[N]`` of names or whole numbers.
            split: whose place it takes.
            names: what messages call embeddings and labels.

        Raises:
            UsageError: wrong or different shapes, numbers that are not finite, labels that cannot
                be told apart or sorted, or fewer than 2 classes.
        """
        values, given = finite_rows(embeddings, names[0]), _labels(labels, names[1])
        if len(values) != len(given):
            raise UsageError(
                f"{names[0]} has {len(values)} rows and {names[1]} {len(given)} labels; give one "
                "label for each row"
            )
        classes, counts = np.unique(given, return_counts=True)
        if len(classes) < 2:
            raise UsageError(f"{names[1]} has only 1 class, {classes[0]!s}; give at least 2")
        order = np.argsort(given, kind="stable")
        rows = np.ascontiguousarray(values[order])
        class_names = tuple(str(label) for label in classes.tolist())
        digest = hashlib.sha256(split_header(rows.shape[1:], class_names, counts.tolist()))
        digest.update(rows.astype("<f4", copy=False).data)
        return cls(
            dataset=names[0],
            split=split,
            class_names=class_names,
            class_counts=counts,
            checksum=digest.hexdigest(),
            embeddings=rows,
            order=order,
            classes=classes,
        )

    @property
    def title(self) -> str:
        """How messages name it: as the array that it was made from."""
        return self.dataset

    @property
    def class_labels(self) -> NDArray[Any]:
        """The labels that were given, each once, ``[n_classes]``."""
        return self.classes

    def given_at(self, indices: Indices) -> Indices:
        """At which rows of the given array rows of the split lay."""
        return self.order[indices]

    def tensor(self, indices: Indices | slice, device: "str | torch.device") -> "Tensor":
        """Read embeddings, float32 ``[n, D]``, on `device`."""
        import torch

        return torch.from_numpy(self.embeddings[indices]).to(device)


def finite_rows(values: Any, name: str) -> NDArray[np.float32]:
    """Read embeddings ``[N, D]`` as float32; raises `UsageError` if they are not, or not finite."""
    array = _as_array(values, name)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{name} holds no numbers but {array.dtype}; give embeddings [N, D]")
    if array.ndim != 2 or 0 in array.shape:
        raise UsageError(f"{name} has the shape {array.shape}; give embeddings [N, D]")
    with np.errstate(over="ignore"):  # said below
        numbers = array.astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        raise UsageError(f"{name} holds numbers that are not finite, or too large for float32")
    return numbers


def _labels(values: Any, name: str) -> NDArray[Any]:
    array = _as_array(values, name)
    if array.ndim != 1 or not len(array):
        raise UsageError(f"{name} has the shape {array.shape}; give one label for each row")
    if array.dtype.kind == "f":
        odd = array[~np.isfinite(array) | (array != np.floor(array))]
        if len(odd):
            raise UsageError(f"{name} holds {odd[0]}; a label is a name or a whole number")
    try:
        np.sort(array)
    except TypeError:
        raise UsageError(f"{name} mixes labels that have no order, as names and numbers") from None
    return array


def _as_array(values: Any, name: str) -> NDArray[Any]:
    """Take a tensor from its device; numpy has no bfloat16."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if "bfloat16" in str(values.dtype) else values
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        raise UsageError(f"{name} is no array: its rows differ in length") from None


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
