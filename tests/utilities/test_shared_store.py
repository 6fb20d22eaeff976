"""The shared store: whole files or none, whoever writes at once, on every file system alike."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.utilities.shared_store import (
    SharedStore,
    StoreError,
    bring,
    share,
    sharing_through,
)


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SharedStore]:
    """A store of this test alone."""
    made = SharedStore(f"{request.param}://{tmp_path}/store")
    made.prepare()
    yield made
    fsspec.filesystem("memory").store.clear()


def blob(store: SharedStore, content: bytes) -> str:
    return f"{store.url}/blobs/{hashlib.sha256(content).hexdigest()}"


def files(store: SharedStore, folder: str) -> list[str]:
    system, root = fsspec.url_to_fs(store.url)
    return [str(found) for found in system.find(f"{root}/{folder}")]


@settings(max_examples=20)
@given(content=st.binary(max_size=300))
def test_what_is_put_is_read(content: bytes) -> None:
    store = SharedStore("memory://read")
    store.prepare()
    store.put("weights/a/model.safetensors", content)
    assert store.read("weights/a/model.safetensors") == content
    assert store.read("weights/a") is None


def test_files_travel_from_home_to_home(
    store: SharedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "results").mkdir(parents=True)
    mine, other = (tmp_path / name / "results" / "a.json" for name in ("one", "two"))
    mine.write_bytes(b"mine")
    share(mine)  # without a store it stays here
    assert files(store, "blobs") == []
    with sharing_through(store):
        monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "one"))
        share(mine)
        monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "two"))
        bring(other)
        assert other.read_bytes() == b"mine"
        other.write_bytes(b"changed")
        bring(other, replace=False)
        assert other.read_bytes() == b"changed"
        bring(other)
        assert other.read_bytes() == b"mine"
        bring(other.with_name("unknown"))
    assert [file.name for file in other.parent.iterdir()] == ["a.json"]


def test_a_second_one_replaces_the_first_only_if_it_should(store: SharedStore) -> None:
    store.put("a", b"first")
    store.put("a", b"second", replace=False)
    assert store.read("a") == b"first"
    store.put("a", b"second")
    assert store.read("a") == b"second"


def test_many_at_once_end_with_one_whole_file(store: SharedStore) -> None:
    contents = [bytes([i]) * 100_000 for i in range(4)] * 2
    threads = [threading.Thread(target=store.put, args=("a", each)) for each in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("a") in contents
    assert files(store, "partial") == []


def test_what_a_killed_writer_left_is_as_nothing(store: SharedStore) -> None:
    system, root = fsspec.url_to_fs(store.url)
    system.pipe_file(f"{root}/partial/0", b"ha")
    system.pipe_file(f"{root}/index/a", b'{"sha2')
    assert not store.has("a")
    store.put("a", b"whole")
    assert store.read("a") == b"whole"


def test_a_blob_that_changed_is_not_believed_and_leaves_no_file(
    store: SharedStore, tmp_path: Path
) -> None:
    store.put("a", b"right")
    with fsspec.open(blob(store, b"right"), "wb") as file:
        file.write(b"wrong")
    with pytest.raises(StoreError, match=r"a is damaged in the store; delete .*index/a"):
        store.fetch("a", tmp_path / "new" / "a")
    assert list((tmp_path / "new").iterdir()) == []


def test_the_same_is_written_once(store: SharedStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"same")
    for name in ("a", "a", "b"):
        store.put(name, tmp_path / "file")
    assert len(files(store, "blobs")) == 1
    assert len(files(store, "index")) == 2


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nothing://x", "Protocol not known: nothing"),
        ("file:///proc/nobody/may", "cannot be used"),
        ("ftp://me:secret@127.0.0.1:1/x", r"ftp://\*\*\*@127.0.0.1:1/x cannot be used"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_in_one_line(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        SharedStore(url).prepare()
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
