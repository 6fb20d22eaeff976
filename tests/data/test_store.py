"""The store: what is written is what is opened, and damage is noticed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.store import open_dataset, stored_names, verify
from fewshot_bench.data.write import dataset_folder, write_dataset
from fewshot_bench.errors import UsageError

SHAPE = (4, 5, 3)


def pixels(n: int, seed: int) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), dtype=np.uint8)


def content(counts: dict[str, list[int]] | None = None) -> Content:
    def read(n: int, seed: int) -> Callable[[], Images]:
        return lambda: pixels(n, seed)

    counts = counts or {"train": [3, 1], "val": [2], "test": [4]}
    splits = {
        split: [ClassImages(f"{split}{i}", n, read(n, i)) for i, n in enumerate(numbers)]
        for split, numbers in counts.items()
    }
    return Content(SHAPE, splits, {"source": "a test"})


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_what_is_written_is_opened(counts: list[int]) -> None:
    write_dataset("mine", content({"train": counts, "val": [2], "test": [4]}))
    data = open_dataset("Mine")
    train = data.images("train")
    expected = np.concatenate([pixels(n, i) for i, n in enumerate(counts)])
    np.testing.assert_array_equal(train.images, expected)
    np.testing.assert_array_equal(train.class_counts, counts)
    assert train.class_names == tuple(f"train{i}" for i in range(len(counts)))
    assert isinstance(train.images, np.memmap)
    assert data.provenance == {"source": "a test"}
    np.testing.assert_allclose(data.images("test").mean, expected.mean((0, 1, 2)) / 255)
    np.testing.assert_allclose(data.images("test").std, expected.std((0, 1, 2)) / 255)
    assert verify("mine") == data.checksum


def test_the_checksum_is_of_the_content_alone(empty_home: Path) -> None:
    write_dataset("one", content())
    write_dataset("two", content())
    write_dataset("three", content({"train": [3, 2], "val": [2], "test": [4]}))
    one, two, three = (open_dataset(n) for n in ("one", "two", "three"))
    assert one.checksum == two.checksum != three.checksum
    assert one["val"].checksum == three["val"].checksum


@pytest.mark.parametrize(
    "damage", ["pixel", "name", "mean", "truncated", "no json", "not json", "format"]
)
def test_damage_is_noticed(damage: str, empty_home: Path) -> None:
    write_dataset("mine", content())
    folder = dataset_folder("mine")
    array, record = folder / "test.npy", folder / "dataset.json"
    if damage == "pixel":
        data = bytearray(array.read_bytes())
        data[-1] ^= 1
        array.write_bytes(data)
    elif damage == "truncated":
        array.write_bytes(array.read_bytes()[:-1])
    elif damage == "no json":
        array.unlink()
    elif damage == "not json":
        record.write_text("{")
    elif damage == "name":
        record.write_text(record.read_text().replace("test0", "other"))
    elif damage == "mean":
        record.write_text(record.read_text().replace('"mean"', '"average"'))
    else:
        record.write_text(json.dumps(json.loads(record.read_text()) | {"format": 99}))
    with pytest.raises(UsageError, match="get it again") as error:
        verify("mine")
    assert "\n" not in str(error.value)


def test_a_failure_leaves_nothing_behind(empty_home: Path) -> None:
    write_dataset("mine", content())
    before = open_dataset("mine").checksum

    def fail() -> Images:
        raise UsageError("the image is broken")

    broken = content()
    broken.splits["test"][0] = ClassImages("last", 1, fail)  # type: ignore[index]
    for name in ("mine", "other"):
        with pytest.raises(UsageError, match="broken"):
            write_dataset(name, broken)
    assert stored_names() == ["mine"]
    assert verify("mine") == before
    assert [p.name for p in (empty_home / "data").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train": [1], "val": [], "test": [1]}, "no val classes"),
        ({"train": [1], "val": [0], "test": [1]}, "has no images"),
        ({"train": [10**12], "val": [1], "test": [1]}, "GB are needed"),
    ],
)
def test_bad_content_is_refused(
    counts: dict[str, list[int]], message: str, empty_home: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        write_dataset("mine", content(counts))
    assert stored_names() == []


def test_a_class_belongs_to_one_split(empty_home: Path) -> None:
    twice = content()
    twice.splits["val"][0] = twice.splits["test"][0]  # type: ignore[index]
    with pytest.raises(UsageError, match="'test0' is both in val and in test"):
        write_dataset("mine", twice)


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "C:\\x", "x\ny"])
def test_a_name_stays_inside_the_store(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a dataset"):
        write_dataset(name, content())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar_fs", "fsbench data download cifar-fs' or 'fsbench data import cifar-fs PATH"),
        ("mini-imagenet", "get it with 'fsbench data import mini-imagenet PATH'"),
        ("omniglott", "did you mean 'omniglot'"),
        ("my-plant", "did you mean 'my-plants'"),
    ],
)
def test_a_missing_dataset_says_how_to_get_it(name: str, message: str, empty_home: Path) -> None:
    write_dataset("my-plants", content())
    with pytest.raises(UsageError, match=message):
        open_dataset(name)
