"""Folders of one's own images, split by place or by a list."""

import json
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.store import open_dataset, stored_names
from fewshot_bench.errors import UsageError
from tests.data.files import decoded, image_tree, make_files, make_zip, png


def test_a_folder_by_place(empty_home: Path, tmp_path: Path) -> None:
    tree = image_tree({"train": ["a", "train"], "val": ["b"], "test": ["c"]})
    make_files(tmp_path, tree | {"train/a/.hidden.png": b"", "train/a/notes.txt": b""})
    data = import_dataset("folder", tmp_path, as_name="My_Plants", size=8)
    assert data.name == "my-plants"
    assert data["train"].class_names == ("a", "train")
    np.testing.assert_array_equal(data.images("test").images[1], decoded(tree["test/c/1.png"]))
    assert open_dataset("my-plants").checksum == data.checksum


def test_a_folder_by_list_grey(empty_home: Path, tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": png(i, mode="L") for c in "abcd" for i in range(2)}
    split_file = tmp_path / "split.json"
    split_file.write_text(json.dumps({"train": ["d", "a"], "val": ["b"], "test": ["c"]}))
    make_zip(tmp_path / "x.zip", files)
    data = import_dataset("folder", tmp_path / "x.zip", size=9, split_file=split_file)
    assert data["train"].class_names == ("d", "a")
    assert data.images("train").image_shape == (1, 9, 9)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("{", "is not a split file"),
        ('{"train": ["a"]}', "is not a split file"),
        ('{"train": "a", "val": [], "test": []}', "must be a list"),
        ('{"train": ["a"], "val": ["a"], "test": ["b"]}', "both in train and in val"),
        ('{"train": ["a", "a"], "val": ["b"], "test": ["c"]}', "twice"),
        ('{"train": ["a"], "val": ["z"], "test": ["b"]}', "no images of class 'z'"),
        ('{"train": ["a"], "val": ["b"], "test": []}', "no test classes"),
    ],
)
def test_a_bad_split_file_is_one_line(
    split: str, message: str, empty_home: Path, tmp_path: Path
) -> None:
    make_files(tmp_path, {f"{c}/1.png": png(1) for c in "abc"})
    (tmp_path / "split.json").write_text(split)
    with pytest.raises(UsageError, match=message):
        import_dataset("folder", tmp_path, split_file=tmp_path / "split.json")
    assert stored_names() == []


def test_a_broken_image_leaves_nothing_behind(empty_home: Path, tmp_path: Path) -> None:
    tree = image_tree({"train": ["a"], "val": ["b"], "test": ["c"]})
    make_files(tmp_path / "x", tree | {"test/c/2.png": b"broken"})
    with pytest.raises(UsageError, match=r"'test/c/2\.png' is not a whole"):
        import_dataset("folder", tmp_path / "x")
    assert list((empty_home / "data").iterdir()) == []
