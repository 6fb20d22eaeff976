"""Embeddings of users: every format is read alike, and what cannot be used is refused."""

import json
import os
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import save_file

from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.embedding_export import WRITERS, write_embedding_file
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.store import open_dataset, stored_names, verify
from fewshot_bench.errors import UsageError
from tests.embeddings import make_arrays

X, Y = make_arrays(n_classes=12, per_class=5)
SPLITS = {"train": Y < 6, "val": (Y >= 6) & (Y < 9), "test": Y >= 9}


@pytest.fixture(autouse=True)
def place(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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


def test_npz_with_splits() -> None:
    write_splits("e.npz")
    data = imported("e.npz", backbone_name="dinov2-s")
    assert_whole(data)
    assert data.backbone == "precomputed:dinov2-s"
    assert data.provenance["files"].keys() == {"e.npz"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [("X", "y"), ("features", "labels"), ("embeddings", "y")])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_one_array_without_a_split_is_all_test(words: tuple[str, str], dtype: str) -> None:
    arrays: dict[str, Any] = {words[0]: X.astype("f2").astype(dtype), words[1]: Y}
    np.savez("e.npz", **arrays)
    data = imported("e.npz")
    assert list(data.splits) == ["test"]
    order = np.argsort(Y, kind="stable")
    np.testing.assert_array_equal(data["test"].rows, X.astype("f2").astype("f4")[order])
    with pytest.raises(UsageError, match=r"mine has no train split; .* --split 60/20/20"):
        data["train"]


@pytest.mark.parametrize("kind", [".npy", ".csv", ".txt"])
def test_npy_with_labels_in_another_file(kind: str) -> None:
    np.save("x.npy", X)
    labels = Path(f"labels{kind}")
    if kind == ".npy":
        np.save(labels, Y)
    else:
        lines = [f"{i},{y}" if kind == ".csv" else str(y) for i, y in enumerate(Y)]
        labels.write_text("\n".join(["row,label"] * (kind == ".csv") + lines) + "\n")
    assert_whole(imported("x.npy", labels=labels), {"test": Y >= 0})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_safetensors(dtype: torch.dtype) -> None:
    rows = torch.from_numpy(X).to(dtype)
    save_file({"features": rows, "labels": torch.from_numpy(Y)}, "e.safetensors")
    data = imported("e.safetensors")
    np.testing.assert_array_equal(data["test"].rows, rows.float()[np.argsort(Y, kind="stable")])


@pytest.mark.parametrize("wide", [False, True])
def test_parquet(wide: bool) -> None:
    names = np.select(list(SPLITS.values()), list(SPLITS), "")
    rows = {f"d{i}": X[:, i] for i in range(X.shape[1])} if wide else {"embedding": list(X)}
    pq.write_table(pa.table({**rows, "label": Y, "split": names}), "e.parquet", row_group_size=7)
    assert_whole(imported("e.parquet"))


@pytest.mark.parametrize("factory", [dict, lambda: defaultdict(list)])
@pytest.mark.parametrize("protocol", [2, 4])
def test_pickled_dictionaries_as_pt_map_and_s2m2_share_them(factory: Any, protocol: int) -> None:
    Path("novel.plk").write_bytes(pickle.dumps(dictionary(factory), protocol))
    assert_whole(imported("novel.plk"), {"test": Y >= 0})


def test_a_folder_of_three_files() -> None:
    Path("f").mkdir()
    for name, split in {"base": "train", "val": "val", "novel_features": "test"}.items():
        np.savez(f"f/{name}.npz", X=X[SPLITS[split]], y=Y[SPLITS[split]])
    assert_whole(imported("f"))


def test_a_split_by_shares_is_seeded_and_recorded() -> None:
    np.savez("e.npz", X=X, y=Y)
    first, again = imported("e.npz", split="50/25/25"), imported("e.npz", split="50/25/25")
    assert [len(s.class_names) for s in first.splits.values()] == [6, 3, 3]
    assert first.checksum == again.checksum
    assert imported("e.npz", split="50/25/25", split_seed=1).checksum != first.checksum
    assert "50/25/25" in str(first.provenance["split"])


def test_labels_that_begin_anew_are_two_classes_on_request() -> None:
    write_splits("e.npz", labels=Y % 3)
    with pytest.raises(UsageError, match=r"'0' is both in train and in val, .*--labels-per-split"):
        imported("e.npz")
    data = imported("e.npz", labels_per_split=True)
    assert data["val"].class_names == ("val/0", "val/1", "val/2")


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(names, min_size=4, max_size=8, unique=True),
    st.integers(1, 5),
    st.sampled_from(sorted(WRITERS)),
    st.integers(0, 3),
)
def test_what_is_exported_is_imported(classes: list[str], dim: int, ending: str, seed: int) -> None:
    """Bytes, names, and the order of classes, on which episodes depend."""
    rng, splits = np.random.default_rng(seed), {}
    for split, chosen in {"val": classes[:2], "test": classes[2:]}.items():
        counts = rng.integers(2, 5, len(chosen))
        rows = rng.standard_normal((counts.sum(), dim)).astype(np.float32)
        facts: dict[str, Any] = {"dataset": "d", "split": split, "checksum": ""}
        splits[split] = EmbeddingSplit(
            **facts, class_names=tuple(chosen), class_counts=counts, embeddings=rows
        )
    write_embedding_file(Path(f"e{ending}"), splits)
    data = imported(f"e{ending}")
    assert list(data.splits) == ["val", "test"]
    for split, given_rows in splits.items():
        assert data[split].class_names == given_rows.class_names
        np.testing.assert_array_equal(data[split].class_counts, given_rows.class_counts)
        np.testing.assert_array_equal(data[split].rows, given_rows.embeddings)


def test_a_changed_number_is_noticed(empty_home: Path) -> None:
    np.savez("e.npz", X=X, y=Y)
    imported("e.npz")
    path = empty_home / "data" / "mine" / "test.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UsageError, match="the test split of 'mine' is damaged"):
        verify("mine")
    record = json.loads((path.parent / "dataset.json").read_text())
    (path.parent / "dataset.json").write_text(json.dumps({**record, "dim": 3}))
    with pytest.raises(UsageError, match=r"test.npy does not fit dataset\.json"):
        open_dataset("mine")


HOLE = np.where(np.arange(X.size).reshape(X.shape) == 7, np.nan, X)
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
    "evil.pkl": ({0: [os.system]}, "refused a pickle that asks for"),
    "list.pkl": ([1, 2], "holds no dictionary of classes"),
    "ragged.pkl": ({0: [[1.0], [1.0, 2.0]], 1: [[1.0], [2.0]]}, "rows differ in length"),
    "text.pkl": ({0: ["a", "b"], 1: ["a", "b"]}, "holds no numbers"),
    "key.pkl": ({(1, 2): [[1.0]]}, "as a class; names are text or numbers"),
    "dims.pkl": ({0: [[1.0]] * 2, 1: [[1.0, 2.0]] * 2}, "the length 1 in class '0' .* and 2 in"),
    "twice.pkl": ({0: [[1.0]] * 2, "0": [[1.0]] * 2}, "as text and as a number"),
    "cut.npz": (b"PK\x03\x04", "cut.npz cannot be read"),
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
