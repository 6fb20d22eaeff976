"""Splits of embeddings that somebody computed: as arrays, or stored as a data set."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.content import split_header
from fewshot_bench.data.dataset import Indices, Split
from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class EmbeddingSplit(Split):
    """A split of embeddings.

    Attributes:
        embeddings: float32 ``[N, D]``, sorted by class; memory-mapped if they are stored.
    """

    embeddings: NDArray[np.float32]

    @property
    def rows(self) -> NDArray[np.float32]:
        """All embeddings."""
        return self.embeddings

    @property
    def dim(self) -> int:
        """Length D of an embedding."""
        return int(self.embeddings.shape[1])

    def tensor(self, indices: Indices | slice, device: "str | torch.device") -> "Tensor":
        """Read embeddings, float32 ``[n, D]``, on `device`."""
        import torch

        return torch.from_numpy(np.array(self.embeddings[indices])).to(device)


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenSplit(EmbeddingSplit):
    """A split of arrays that were handed over, see `of`.

    Attributes:
        order: int64 ``[N]``, at which row of the given array each lay.
        classes: ``[n_classes]``, the labels that were given, each once.
    """

    order: Indices
    classes: NDArray[Any]

    @classmethod
    def of(
        cls, embeddings: Any, labels: Any, split: str = "test", names: tuple[str, str] = ("X", "y")
    ) -> "GivenSplit":
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
        values = floats_of(matrix_of(embeddings, names[0]), names[0])
        given = labels_of(labels, names[1])
        require_label_each(values, given, names)
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


def matrix_of(values: Any, name: str) -> NDArray[Any]:
    """Take embeddings as an array ``[N, D]`` of their own type, not copied if it is one.

    Raises:
        UsageError: they are no numbers, or of another shape.
    """
    array = _as_array(values, name)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{name} holds no numbers but {array.dtype}; give embeddings [N, D]")
    if array.ndim != 2 or 0 in array.shape:
        raise UsageError(f"{name} has the shape {array.shape}; give embeddings [N, D]")
    return array


def floats_of(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Cast numbers to float32.

    Raises:
        UsageError: some are not finite then.
    """
    with np.errstate(over="ignore"):  # said below
        numbers = array.astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        raise UsageError(f"{name} holds numbers that are not finite, or too large for float32")
    return numbers


def labels_of(values: Any, name: str) -> NDArray[Any]:
    """Take labels as an array ``[N]`` that can be sorted.

    Raises:
        UsageError: they are of another shape, or neither names nor whole numbers.
    """
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


def require_label_each(values: NDArray[Any], labels: NDArray[Any], names: tuple[str, str]) -> None:
    """Refuse labels of another length than the embeddings.

    Raises:
        UsageError: the lengths differ.
    """
    if len(values) != len(labels):
        raise UsageError(
            f"{names[0]} has {len(values)} rows and {names[1]} {len(labels)} labels; give one "
            "label for each row"
        )


def _as_array(values: Any, name: str) -> NDArray[Any]:
    """Take a tensor from its device; numpy has no bfloat16."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if "bfloat16" in str(values.dtype) else values
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        raise UsageError(f"{name} is no array: its rows differ in length") from None
