"""Splits of embeddings: any arrays, sorted by class, and what is refused."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.errors import UsageError

X = np.arange(8.0).reshape(4, 2)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=30).filter(lambda y: len(set(y)) > 1))
def test_rows_are_sorted_by_class_and_keep_their_order(labels: list[int]) -> None:
    rows = np.arange(2.0 * len(labels)).reshape(-1, 2)
    split = GivenSplit.of(rows, labels)
    assert len(split) == len(labels)
    assert split.embeddings.dtype == np.float32
    assert (split.embeddings == rows[split.given_at(np.arange(len(split)))]).all()
    assert split.class_labels[split.labels].tolist() == sorted(labels)
    for k, (start, count) in enumerate(zip(split.class_offsets, split.class_counts, strict=True)):
        own = split.order[start : start + count]
        assert own.tolist() == [i for i, label in enumerate(labels) if label == split.classes[k]]


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0, 1, 0],
        [1.0, 0.0, 1.0, 0.0],
        ["b", "a", "b", "a"],
        [True, False, True, False],
        np.array(["b", "a", "b", "a"], dtype=object),
        torch.tensor([1, 0, 1, 0]),
        torch.tensor([1.0, 0.0, 1.0, 0.0]),
    ],
)
@pytest.mark.parametrize(
    "rows",
    [
        X,
        X.tolist(),
        X.astype(np.float16),
        X.astype(np.int64),
        np.asfortranarray(X),
        torch.from_numpy(X).requires_grad_(),
        torch.from_numpy(X).bfloat16(),
        torch.from_numpy(X).half(),
    ],
)
def test_any_kind_of_array_and_of_label(rows: Any, labels: Any) -> None:
    split = GivenSplit.of(rows, labels)
    assert split.embeddings.tolist() == X[[1, 3, 0, 2]].tolist()
    assert split.tensor(slice(1, 3), "cpu").tolist() == X[[3, 0]].tolist()
    assert split.class_counts.tolist() == [2, 2]


def test_the_checksum_is_of_numbers_and_labels() -> None:
    first = GivenSplit.of(X, [0, 0, 1, 1]).checksum
    assert GivenSplit.of(X[[2, 3, 0, 1]], [1, 1, 0, 0]).checksum == first
    assert GivenSplit.of(X + 1e-3, [0, 0, 1, 1]).checksum != first
    assert GivenSplit.of(X, [0, 1, 1, 1]).checksum != first
    assert GivenSplit.of(X, ["a", "a", "b", "b"]).checksum != first


@pytest.mark.parametrize(
    ("rows", "labels", "says"),
    [
        (X[0], [0], r"X has the shape \(2,\); give embeddings \[N, D\]"),
        (X[:, :0], [0, 0, 1, 1], r"shape \(4, 0\)"),
        (X, [0, 0, 1], "X has 4 rows and y 3 labels"),
        (X, [0, 0, 0, 0], "y has only 1 class, 0"),
        (X, [0, 0.5, 1, 1], "y holds 0.5"),
        (X, [0, np.nan, 1, 1], "y holds nan"),
        (X, [[0], [0], [1], [1]], r"y has the shape \(4, 1\)"),
        (X, np.array(["a", 1, "b", 2], dtype=object), "no order"),
        (X, np.array(["a", None, "b", "c"], dtype=object), "no order"),
        (X * [1, np.nan], [0, 0, 1, 1], "not finite"),
        (X * 1e300, [0, 0, 1, 1], "too large for float32"),
        (X * 1j, [0, 0, 1, 1], "no numbers but complex128"),
        ([["a", "b"]] * 4, [0, 0, 1, 1], "no numbers but <U1"),
        ([[1], [1, 2]], [0, 1], "rows differ in length"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(rows: Any, labels: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        GivenSplit.of(rows, labels)
    assert "\n" not in str(error.value)
