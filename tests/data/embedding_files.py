"""Made-up embeddings, in files and as data sets."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.store import verify
from tests.embeddings import make_arrays

X, Y = make_arrays(n_classes=12, per_class=5)
SPLITS = {"train": Y < 6, "val": (Y >= 6) & (Y < 9), "test": Y >= 9}


def imported(path: str, **options: Any) -> Dataset:
    return import_dataset("embeddings", Path(path), as_name="mine", **options)


def write_splits(file: str, rows: NDArray[Any] = X, labels: NDArray[Any] = Y) -> None:
    arrays: dict[str, Any] = {f"X_{s}": rows[chosen] for s, chosen in SPLITS.items()}
    arrays |= {f"y_{s}": labels[chosen] for s, chosen in SPLITS.items()}
    np.savez(file, **arrays)


def assert_whole(data: Dataset, splits: dict[str, NDArray[Any]] = SPLITS) -> None:
    """The rows of each class, in the order of classes and rows."""
    assert list(data.splits) == list(splits)
    for split, chosen in splits.items():
        found, rows, labels = data[split], X[chosen], Y[chosen]
        order = np.argsort(labels, kind="stable")
        np.testing.assert_array_equal(found.rows, rows[order].astype("f4"))
        assert found.rows.dtype == np.float32
        assert isinstance(found.rows, np.memmap)
        assert found.class_names == tuple(map(str, np.unique(labels)))
    assert verify("mine") == data.checksum


def dictionary(factory: Any = dict) -> dict[Any, Any]:
    found = factory()
    for label in np.unique(Y):
        found[int(label)] = list(X[label == Y].astype("f4"))
    return found  # type: ignore[no-any-return]
