"""ImageNet's subsets in every layout in which they are passed around."""

import csv
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.imagenet import Subset, mini_imagenet, read_subset
from fewshot_bench.data.left_out import FORMAT, HIDDEN, LEFT_OUT
from fewshot_bench.errors import UsageError
from tests.data.files import decoded, make_files, make_zip, png, read_all

SPLIT = {"train": ["n1", "n2"], "val": ["n3"], "test": ["n4"]}
WNIDS = ["n1", "n2", "n3", "n4"]
SUBSET = Subset(SPLIT, fewest=3, most=3, size=8)
TREE = {f"{c}/{c}_{i}.png": png(10 * k + i) for k, c in enumerate(WNIDS) for i in range(3)}


EXPECTED = {c: np.stack([decoded(TREE[f"{c}/{c}_{i}.png"]) for i in range(3)]) for c in WNIDS}


def csv_lists() -> dict[str, bytes]:
    files = {f"images/{name.split('/')[1]}": data for name, data in TREE.items()}
    for split, names in SPLIT.items():
        text = io.StringIO()
        rows = [[f"{c}_{i}.png", c] for c in names for i in range(3)]
        csv.writer(text).writerows([["filename", "label"], *rows])
        files[f"{split}.csv"] = text.getvalue().encode()
    return files


def json_lists() -> dict[str, bytes]:
    lists = {}
    for file, split in zip(("base", "val", "novel"), SPLIT, strict=True):
        rows = [(c, i) for c in SPLIT[split] for i in range(3)]
        record = {
            "label_names": WNIDS,
            "image_names": [f"/elsewhere/{c}/{c}_{i}.png" for c, i in rows],
            "image_labels": [WNIDS.index(c) for c, _ in rows],
        }
        lists[f"{file}.json"] = json.dumps(record).encode()
    return TREE | lists


def caches() -> dict[str, bytes]:
    files = {}
    for split, names in SPLIT.items():
        data = np.concatenate([EXPECTED[c] for c in names])
        rows = {c: list(range(3 * k, 3 * k + 3)) for k, c in enumerate(names)}
        record = pickle.dumps({"image_data": data, "class_dict": rows}, 2)
        files[f"mini-imagenet-cache-{split}.pkl"] = record
    return files


LAYOUTS = {
    "class folders": TREE,
    "folders in a folder": {f"images/{name}": data for name, data in TREE.items()},
    "csv": csv_lists(),
    "json": json_lists(),
    "caches": caches(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_imagenet_gives_the_same(layout: str, tmp_path: Path) -> None:
    make_files(tmp_path, LAYOUTS[layout])
    with read_subset(tmp_path, SUBSET) as content:
        assert {s: [c.name for c in cs] for s, cs in content.splits.items()} == SPLIT
        for name, images in read_all(content).items():
            np.testing.assert_array_equal(images, EXPECTED[name])


@pytest.mark.parametrize("layout", ["class folders", "csv", "json"])
def test_imagenet_is_read_from_a_zip(layout: str, tmp_path: Path) -> None:
    with read_subset(make_zip(tmp_path / "a.zip", LAYOUTS[layout]), SUBSET) as content:
        np.testing.assert_array_equal(read_all(content)["n4"], EXPECTED["n4"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({k: v for k, v in TREE.items() if not k.startswith("n3")}, "has 0 images of class n3"),
        ({k: v for k, v in TREE.items() if k != "n2/n2_1.png"}, "has 2 images of class n2, not 3"),
        ({k: v for k, v in csv_lists().items() if "n4_2" not in k}, "lists 'n4_2.png'"),
        (csv_lists() | {"val.csv": b"a,b\n1,2\n"}, "needs the columns filename and label"),
        (json_lists() | {"val.json": b"[]"}, "needs label_names"),
        (json_lists() | {"val.json": b"\xff"}, "is not text"),
        (caches() | {"mini-imagenet-cache-val.pkl": b"\x80"}, "not a whole pickle"),
        (caches() | {"mini-imagenet-cache-val.pkl": pickle.dumps([])}, "does not hold image_data"),
    ],
)
def test_bad_imagenet_is_one_line(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    make_files(tmp_path, files)
    with pytest.raises(UsageError, match=message) as error, read_subset(tmp_path, SUBSET):
        pass
    assert "\n" not in str(error.value)


def test_an_image_of_imagenet_is_resized(tmp_path: Path) -> None:
    make_files(tmp_path, TREE)
    with read_subset(tmp_path, Subset(SPLIT, 3, 3, size=84)) as content:
        assert read_all(content)["n1"].shape == (3, 84, 84, 3)


def test_mini_imagenet_needs_its_600_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not 600"), mini_imagenet(make_files(tmp_path, TREE)):
        pass


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {f"{top}/{name}": data for top in ("train", "val") for name, data in TREE.items()},
            "both 'train/n1' and 'val/n1', so 'n1' is ambiguous",
        ),
        (csv_lists() | {"other/n1_0.png": png(9)}, "so 'n1_0.png' is ambiguous"),
        ({f"a/{k}": v for k, v in csv_lists().items()} | {"b/val.csv": b""}, "'val.csv' is ambig"),
        (
            caches() | {f"copy/{name}": data for name, data in caches().items()},
            "class 'n4' in two of its cache pickles",
        ),
        (csv_lists() | {"val.csv": b'filename,label\n"' + b"a" * 200_000}, "is not a CSV table"),
    ],
)
def test_same_names_in_imagenet_are_never_merged(
    files: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message), read_subset(make_files(tmp_path, files), SUBSET):
        pass


def test_what_is_no_image_in_a_class_of_imagenet_is_named(tmp_path: Path) -> None:
    """Tiered-ImageNet's classes have from 732 to 1300 images, so none of them need be missed."""
    extra = {"n1/n1_9.webm": b"", "n1/.n1_8.png": b"", "n9/n9_0.txt": b"", "notes/n1/x/a.txt": b""}
    with read_subset(make_files(tmp_path, TREE | extra), SUBSET) as content:
        record = content.provenance[LEFT_OUT]
    assert isinstance(record, dict)
    assert {reason: found["names"] for reason, found in record.items()} == {
        HIDDEN: {"n1/.n1_8.png": 1},
        FORMAT: {"n1/n1_9.webm": 1},
    }
