"""What importers hand to the store, and the checksum that is taken of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.utilities.files import stable_hash

Images = NDArray[np.uint8]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ClassImages:
    """The images of one class, read when they are written.

    Attributes:
        name: of the class.
        count: how many images `read` returns.
        read: returns uint8 ``[count, H, W, C]``.
        parts: returns the same in parts ``[n, H, W, C]``, where a class may be too large for the
            memory; None: as a whole.
    """

    name: str
    count: int
    read: Callable[[], Images]
    parts: Callable[[], Iterator[Images]] | None = None

    def in_parts(self) -> Iterator[Images]:
        """Yield the images, perhaps as a whole."""
        yield from self.parts() if self.parts else [self.read()]


@dataclass(frozen=True)
class Content:
    """A data set that is ready to be read, class by class.

    Attributes:
        image_shape: ``(H, W, C)`` of every image.
        splits: the classes of ``train``, ``val`` and ``test``.
        provenance: JSON-like facts about the origin; nothing that names this machine. Some may
            be counts that are whole once all classes are read.
    """

    image_shape: tuple[int, int, int]
    splits: Mapping[str, Sequence[ClassImages]]
    provenance: dict[str, object]


@dataclass(frozen=True)
class ClassVectors:
    """The embeddings of one class, read when they are written.

    Attributes:
        name: of the class.
        count: how many rows `read` returns.
        read: returns float32 ``[count, D]``.
    """

    name: str
    count: int
    read: Callable[[], Vectors]


@dataclass(frozen=True)
class EmbeddingContent:
    """A data set of embeddings that is ready to be read, class by class.

    Attributes:
        dim: length D of every embedding.
        splits: the classes of ``test``, and of ``train`` and ``val`` if there are any.
        provenance: JSON-like facts about the origin; nothing that names this machine.
        backbone: the network that made them, as whoever has them calls it; None: not known.
    """

    dim: int
    splits: Mapping[str, Sequence[ClassVectors]]
    provenance: dict[str, object]
    backbone: str | None = None


def split_header(shape: Sequence[int], names: Sequence[str], counts: Sequence[int]) -> bytes:
    """Return what a split's SHA-256 takes in before its rows.

    Args:
        shape: ``(H, W, C)`` of an image, ``(D,)`` of an embedding.
        names: of the classes.
        counts: rows of each class.
    """
    facts = [list(shape), [[n, int(c)] for n, c in zip(names, counts, strict=True)]]
    return json.dumps(facts, separators=(",", ":")).encode()


def total_checksum(splits: Sequence[str]) -> str:
    """Combine the checksums of train, val and test; one that lacks is empty."""
    return stable_hash(list(splits), length=64)
