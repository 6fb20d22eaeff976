"""Embeddings of users: what cannot be used is refused, and nothing is stored."""

import os
import pickle
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from fewshot_bench.data.store import stored_names
from fewshot_bench.errors import UsageError
from tests.data.embedding_files import (
    X,
    Y,
    imported,
    write_splits,
)


@pytest.fixture(autouse=True)
def place(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch pwned",)


HOLE = np.where(np.arange(X.size).reshape(X.shape) == 7, np.nan, X)


def npz_of(data: bytes) -> bytes:
    """An archive of an array that somebody else wrote."""
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("X.npy", data)
        archive.writestr("y.npy", data)
    return file.getvalue()


BAD: dict[str, tuple[Any, str]] = {
    "nan.npz": ({"X": HOLE, "y": Y}, "class '.*' of test holds numbers that are not finite"),
    "large.npz": ({"X": X + 1e300, "y": Y}, "too large for float32"),
    "shape.npz": ({"X": X[0], "y": Y}, r"X of shape.npz has the shape \(12,\)"),
    "longer.npz": ({"X": X, "y": Y[:-1]}, "has 60 rows and y of longer.npz 59 labels"),
    "one.npz": ({"X": X, "y": Y * 0}, "test has only 1 class, '0'"),
    "few.npz": ({"X": X[:3], "y": [0, 0, 1]}, "class '1' of test has only 1 row"),
    "half.npz": ({"X": X, "y": Y + 0.5}, "a label is a name or a whole number"),
    "alone.npz": ({"X_test": X}, "has 'X_test' but not its labels"),
    "both.npz": ({"X": X, "features": X, "y": Y}, "has both"),
    "mixed.npz": ({"X": X, "y": Y, "X_val": X, "y_val": Y}, "it needs X and y, or X_train"),
    "objects.npz": ({"X": X, "y": np.array(["a", 1] * 30, object)}, "Python objects"),
    "names.npz": ({"X": X, "y": Y, "classes": ["a"]}, "holds 1, which is no place in the 1 names"),
    "evil.pkl": ({0: [Evil()]}, "refused a pickle that asks for"),
    "list.pkl": ([1, 2], "holds no dictionary of classes"),
    "ragged.pkl": ({0: [[1.0], [1.0, 2.0]], 1: [[1.0], [2.0]]}, "rows differ in length"),
    "text.pkl": ({0: ["a", "b"], 1: ["a", "b"]}, "holds no numbers"),
    "key.pkl": ({(1, 2): [[1.0]]}, "as a class; names are text or numbers"),
    "dims.pkl": ({0: [[1.0]] * 2, 1: [[1.0, 2.0]] * 2}, "the length 1 in class '0' .* and 2 in"),
    "twice.pkl": ({0: [[1.0]] * 2, "0": [[1.0]] * 2}, "as text and as a number"),
    "cut.npz": (b"PK\x03\x04", "cut.npz cannot be read"),
    "header.npz": (npz_of(b"\x93NUMPY\1\0\x0d\0{'shape': (2,\n"), "header.npz cannot be read"),
    "cut.safetensors": (b"\x08", "cut.safetensors cannot be read"),
    "cut.parquet": (b"PAR1", "cut.parquet cannot be read"),
    "cut.pkl": (b"\x80\x04}", "cut.pkl is not a whole pickle"),
    "x.h5": (b"", "x.h5 is no file of embeddings; give one of .npz"),
    "x.npy": (b"", "--labels FILE goes with a .npy file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    held, message = BAD[name]
    if isinstance(held, bytes):
        Path(name).write_bytes(held)
    elif name.endswith(".npz"):
        np.savez(name, **held)
    else:
        Path(name).write_bytes(pickle.dumps(held, 4))
    with pytest.raises(UsageError, match=message) as refused:
        imported(name)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)
    assert not stored_names()
    assert not Path("pwned").exists()


def test_options_that_do_not_fit_are_refused() -> None:
    write_splits("e.npz")
    for options, message in (
        ({"split": "60/20/20"}, "says which split a class is in"),
        ({"split_seed": 1}, "--split-seed goes with --split"),
        ({"labels": Path("e.npz")}, "goes with a .npy file"),
        ({"backbone_name": "a\nb"}, "has other signs than a name has"),
        ({"size": 84}, "--size does not apply to embeddings"),
    ):
        with pytest.raises(UsageError, match=message):
            imported("e.npz", **options)
    with pytest.raises(UsageError, match=r"nowhere.npz cannot be read \(No such file"):
        imported("nowhere.npz")
    assert not stored_names()
