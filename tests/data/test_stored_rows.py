"""Arrays of a data set that somebody changed: noticed, named, and never taken for others."""

import contextlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewshot_bench.data import store
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.store import open_dataset, open_stored, verify
from fewshot_bench.data.stored_rows import SEAL, open_rows
from fewshot_bench.data.verifying import check_content
from tests.data.forging import COUNT, SPLITS, refused


def at_the_same_time(path: Path, change: Callable[[Path], object]) -> None:
    """Change a file, and set its times back."""
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(path: Path, first: int = 0, second: int = COUNT - 1) -> None:
    """Swap two rows of an array."""
    rows = np.load(path, mmap_mode="r+")
    rows[[first, second]] = rows[[second, first]]
    rows.flush()


def test_what_is_unchanged_is_not_read_whole(
    stored_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "check_content", lambda *_: pytest.fail("all of it was read"))
    assert len(open_dataset("mine")["test"]) == COUNT


def test_a_copy_and_one_of_an_earlier_version_are_checked_once(
    stored_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def check(data: Dataset, folder: Path) -> None:
        read.append(data.name)
        check_content(data, folder)

    monkeypatch.setattr(store, "check_content", check)
    (stored_images / SEAL).unlink()
    open_dataset("mine")
    open_dataset("mine")
    assert len(read) == 1
    os.utime(stored_images / "val.npy")
    open_dataset("mine")
    assert len(read) == 2
    assert open_dataset("mine").checksum == verify("mine")
    assert len(read) == 3


@pytest.mark.parametrize("split", SPLITS)
def test_changed_images_are_noticed_when_they_are_opened(split: str, stored_images: Path) -> None:
    swap(stored_images / f"{split}.npy", 31, 32)  # by the time of the change alone
    refused(f"the {split} split of 'mine' is damaged")


def test_a_sample_is_looked_at_even_if_the_times_are_the_same(stored_images: Path) -> None:
    at_the_same_time(stored_images / "val.npy", swap)
    refused("the val split of 'mine' is damaged")


def test_embeddings_are_compared_likewise(stored_rows: Path) -> None:
    swap(stored_rows / "test.npy")
    refused("the test split of 'mine' is damaged")


def spoil(path: Path) -> None:
    rows = np.load(path, mmap_mode="r+")
    rows[50, 1] = np.inf
    rows.flush()


def test_embeddings_that_are_not_finite_name_their_file(stored_rows: Path) -> None:
    spoil(stored_rows / "test.npy")
    for ask in (open_dataset, verify):
        refused(r"mine/test\.npy holds embeddings that are not finite", ask)


def header(text: str, version: int = 1, length: int | None = None) -> bytes:
    """The beginning of a .npy file with a header of one's own."""
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode("latin1")


def shaped(shape: str, dtype: str = "|u1", order: str = "False") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}}}".ljust(117) + "\n"


GOOD = f"({COUNT}, 2, 2, 3)"
HEADERS = {
    "empty": b"",
    "text": b"no array",
    "a zip": b"PK\x03\x04" + bytes(50),
    "a pickle": b"\x80\x04N.",
    "cut": header(shaped(GOOD), length=1000)[:40],
    "long": header(shaped(GOOD), 2, 2**31),
    "other version": header(shaped(GOOD), 9),
    "huge": header(shaped("(4611686018427387904, 2, 2, 3)")),
    "overflow": header(shaped(f"({10**40}, 2, 2, 3)")),
    "negative": header(shaped(f"(-{COUNT}, 2, 2, 3)")),
    "fractions": header(shaped(f"({COUNT}.0, 2, 2, 3)")),
    "objects": header(shaped(GOOD, "|O")),
    "no type": header(shaped(GOOD, "x9")),
    "other type": header(shaped(GOOD, "<f4")),
    "signed": header(shaped(GOOD, "|i1")),
    "turned": header(shaped(GOOD, order="True")),
    "flat": header(shaped(f"({COUNT * 12},)")),
    "fewer": header(shaped(f"({COUNT - 1}, 2, 2, 3)")),
    "code": header("__import__('os').system('touch pwned')\n"),
    "nested": header("(" * 500 + "\n"),
    "signs": header("-" * 9000 + "1\n"),
    "no end": header("{'descr': '|u1'\n", 2),
    "open string": header("{'descr': '''\n", 2),
    "not a dict": header("5\n"),
    "structured": header("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (4,)}\n"),
}


@pytest.mark.parametrize("forged", HEADERS)
def test_forged_arrays_are_one_line(
    forged: str, stored_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (stored_images / "val.npy").write_bytes(HEADERS[forged] + bytes(COUNT * 12))
    refused(r"val\.npy (is damaged|does not fit)")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("change", [lambda data: data + b"\0", lambda data: data[:-1]])
def test_arrays_of_another_length_are_one_line(
    change: Callable[[bytes], bytes], stored_images: Path
) -> None:
    file = stored_images / "val.npy"
    file.write_bytes(change(file.read_bytes()))
    refused(r"val\.npy (is damaged|does not fit)", open_stored)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_header_is_an_array_or_one_line(data: st.DataObject, tmp_path: Path) -> None:
    good = bytearray(header(shaped(GOOD)))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.npy"
    path.write_bytes(bytes(good) + bytes(COUNT * 12))
    with contextlib.suppress(ValueError):
        assert open_rows(path, "|u1", (COUNT, 2, 2, 3)).shape == (COUNT, 2, 2, 3)
