"""Embeddings as files hold them, by split and class; nothing is copied before it is asked for."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.embeddings import labels_of, matrix_of, require_label_each
from fewshot_bench.errors import UsageError

UNSPLIT = ""  # where a file does not say which split its rows belong to
ROWS, LABELS = ("X", "features", "embeddings", "embedding"), ("y", "labels", "label")
_OTHER_WORDS = {"base": "train", "validation": "val", "valid": "val", "novel": "test"}
SPLIT_WORDS = {**{split: split for split in SPLITS}, **_OTHER_WORDS}


@dataclass(frozen=True)
class ClassRows:
    """The embeddings of one class in a file.

    Attributes:
        count: how many.
        dim: length D of each.
        read: returns them, ``[count, D]`` of the file's type of numbers.
    """

    count: int
    dim: int
    read: Callable[[], NDArray[Any]]


Classes = dict[str, ClassRows]


def by_class(
    values: Any,
    labels: Any,
    names: tuple[str, str],
    class_names: Sequence[object] | None = None,
    rows: NDArray[np.int64] | None = None,
) -> Classes:
    """Sort rows by class; those of a class keep their order.

    Args:
        values: ``[N, D]``.
        labels: names or whole numbers, of each row.
        names: what messages call values and labels.
        class_names: of which labels are places, in the order that classes shall have; None: in
            the order of their labels.
        rows: int64, those of `values` that are labelled; None: all, in order.

    Raises:
        UsageError: wrong or different shapes, or labels that cannot be told apart or sorted.
    """
    matrix, given = matrix_of(values, names[0]), labels_of(labels, names[1])
    places = np.arange(len(matrix)) if rows is None else rows
    require_label_each(places, given, names)
    order, dim = np.argsort(given, kind="stable"), matrix.shape[1]
    found, starts = np.unique(given[order], return_index=True)
    parts = np.split(places[order], starts[1:])
    spelled = [_spelled(label, class_names, names[1]) for label in found.tolist()]
    if len(set(spelled)) < len(spelled):
        raise UsageError(f"{names[1]} has different labels that are written alike; rename them")
    return {
        name: ClassRows(len(part), dim, lambda part=part: matrix[part])  # type: ignore[misc]
        for name, part in zip(spelled, parts, strict=True)
    }


def _spelled(label: Any, class_names: Sequence[object] | None, where: str) -> str:
    if isinstance(label, float):  # a whole number, see labels_of
        label = int(label)
    if class_names is None:
        return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
    if not isinstance(label, int) or not 0 <= label < len(class_names):
        raise UsageError(
            f"{where} holds {label}, which is no place in the {len(class_names)} names"
        )
    return str(class_names[label])


def split_pairs(keys: Collection[str], where: str) -> dict[str, tuple[str, str]]:
    """Find the names of rows and labels in a file of named arrays.

    ``X`` and ``y``, or one of the other words for them; of a split, with ``_train`` behind or
    ``train_`` in front.

    Returns:
        Names of rows and labels, by split; the split is empty if the names say none.

    Raises:
        UsageError: there are none, or several of one kind.
    """
    pairs = {}
    for split in (UNSPLIT, *SPLITS):
        spellings = [w for w, meant in SPLIT_WORDS.items() if meant == split]
        found = [_only(_named(keys, kind, spellings), where) for kind in (ROWS, LABELS)]
        if any(found):
            if not all(found):
                lone = found[0] or found[1]
                raise UsageError(
                    f"{where} has '{lone}' but not its {'labels' if found[0] else 'rows'}; it "
                    "needs X and y, or X_train and y_train, and so on"
                )
            pairs[split] = found[0], found[1]
    if not pairs or (UNSPLIT in pairs and len(pairs) > 1):
        held = ", ".join(sorted(keys)[:8]) or "nothing"
        raise UsageError(
            f"{where} holds {held}; it needs X and y, or X_train, y_train, X_val, y_val, X_test, "
            "y_test (features or embeddings for X, labels for y)"
        )
    return pairs


def _named(keys: Collection[str], kind: Sequence[str], spellings: Sequence[str]) -> list[str]:
    if not spellings:
        return [key for key in keys if key in kind]
    wanted = {f"{word}_{split}" for word in kind for split in spellings}
    wanted |= {f"{split}_{word}" for word in kind for split in spellings}
    return [key for key in keys if key in wanted]


def _only(found: Sequence[str], where: str) -> str:
    if len(found) > 1:
        raise UsageError(f"{where} has both '{found[0]}' and '{found[1]}'; leave one of them out")
    return found[0] if found else ""
