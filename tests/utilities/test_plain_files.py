"""Nothing that is no plain file is waited for, wherever a file is asked for."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.arrays import read_npz
from fewshot_bench.data.embedding_files import read_embeddings
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.store import open_stored, stored_checksum
from fewshot_bench.data.write import dataset_folder
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import predictions_path, read_predictions
from fewshot_bench.records import record_path, stored_record
from fewshot_bench.tracking.client import connect
from fewshot_bench.utilities.files import open_regular
from fewshot_bench.utilities.state_dicts import read_state_dict
from fewshot_bench.utilities.tensors import load_tensors


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.fixture(params=[pipe, device, unix_socket])
def kind(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], None]:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    make: Callable[[Path], None] = request.param
    return lambda path: make(Path(os.path.relpath(path)))


def refused(call: Callable[[], object]) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert "\n" not in str(error.value)
    words = "no plain file|no file of weights|not a split file|neither a folder|cannot be read"
    assert re.search(words, str(error.value))


Make = Callable[[Path], None]


@pytest.mark.parametrize(
    ("suffix", "read"),
    [
        (".npz", lambda path: read_embeddings(path)),
        (".npz", lambda path: read_npz(path, "X")),
        (".safetensors", lambda path: read_embeddings(path)),
        (".parquet", lambda path: read_embeddings(path)),
        (".pkl", lambda path: read_embeddings(path)),
        (".pt", read_state_dict),
        (".safetensors", load_tensors),
        (".zip", lambda path: import_dataset("folder", path)),
        (".tar.gz", lambda path: import_dataset("cifar-fs", path)),
        (".db", lambda path: connect(f"sqlite:///{path}")),
        (".x", open_regular),
    ],
)
def test_what_a_user_names(
    kind: Make, suffix: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / f"x{suffix}"
    kind(path)
    refused(lambda: read(path))


@pytest.mark.parametrize("name", ["labels.npy", "labels.csv", "labels.txt", "rows.npy"])
def test_rows_and_their_labels(kind: Make, name: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    (tmp_path / "y.txt").write_text("a\nb\n")
    kind(tmp_path / name)
    rows = name if name == "rows.npy" else "x.npy"
    labels = "y.txt" if name == "rows.npy" else name
    refused(lambda: read_embeddings(tmp_path / rows, tmp_path / labels))


@pytest.mark.parametrize("name", ["split.json", "split.csv"])
def test_a_split_file(kind: Make, name: str, tmp_path: Path) -> None:
    kind(tmp_path / name)
    (tmp_path / "tree").mkdir()
    path = tmp_path / "tree"
    refused(lambda: import_dataset("folder", path, split_file=tmp_path / name))


@pytest.mark.parametrize("name", ["dataset.json", "test.npy"])
def test_a_stored_data_set(kind: Make, name: str, empty_home: Path) -> None:
    np.savez(empty_home.with_name("x.npz"), X=np.eye(4), y=[0, 0, 1, 1])
    import_dataset("embeddings", empty_home.with_name("x.npz"), as_name="mine")
    (dataset_folder("mine") / name).unlink()
    kind(dataset_folder("mine") / name)
    refused(lambda: open_stored("mine"))
    if name == "dataset.json":
        assert stored_checksum("mine") is None


def test_a_stored_result(kind: Make, empty_home: Path) -> None:
    record_path("0").parent.mkdir(parents=True)
    kind(record_path("0"))
    refused(lambda: stored_record("0"))
    kind(predictions_path("0"))
    refused(lambda: read_predictions("0"))
