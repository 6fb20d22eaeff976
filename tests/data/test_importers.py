"""Each layout in which a data set is passed around, on small trees and on the real archives."""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import cifar, omniglot
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.splits import class_split
from fewshot_bench.data.store import open_dataset, stored_names
from fewshot_bench.errors import UsageError
from tests.data.files import (
    cifar_pickles,
    decoded,
    image_tree,
    make_files,
    make_tar,
    make_zip,
    png,
    read_all,
)

# CIFAR-100 -------------------------------------------------------------------------------------

CLASSES = ["apple", "train", "sea"]  # a class is called as a half is
HALVES = {"train": 5, "test": 2}


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, np.ndarray]:
    """Three classes of seven images in place of a hundred of 600."""
    split = {"train": ["train"], "val": ["sea"], "test": ["apple"]}
    monkeypatch.setattr(cifar, "COUNTS", HALVES)
    monkeypatch.setattr(cifar, "class_split", lambda _name: split)
    rng = np.random.default_rng(0)
    return {h: rng.integers(0, 256, (3 * n, 32, 32, 3), dtype=np.uint8) for h, n in HALVES.items()}


def nested(depth: int) -> list[object]:
    """A list of itself twice, and so on: small as a pickle, 2^depth numbers as an array."""
    inner: list[object] = [0]
    for _ in range(depth):
        inner = [inner, inner]
    return inner


def cifar_pngs(halves: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    files = {}
    for half, images in halves.items():
        for i, image in enumerate(images):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            files[f"{half}/{CLASSES[i // HALVES[half]]}/{i:05d}.png"] = file.getvalue()
    return files


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "pickles", "pickles inside"])
def test_every_form_of_cifar_gives_the_same(
    form: str, small_cifar: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    pickles = cifar_pickles(small_cifar, CLASSES)
    path = {
        "folder": lambda: make_files(tmp_path / "f", cifar_pngs(small_cifar)),
        "zip": lambda: make_zip(tmp_path / "f.zip", cifar_pngs(small_cifar)),
        "tar": lambda: make_tar(tmp_path / "cifar-100-python.tar.gz", pickles),
        "pickles": lambda: make_files(tmp_path / "f", pickles) / "cifar-100-python",
        "pickles inside": lambda: make_files(tmp_path / "f", pickles),
    }[form]()
    with cifar.cifar_fs(path) as content:
        found = read_all(content)
    for k, name in enumerate(CLASSES):
        parts = [small_cifar[h][k * n : (k + 1) * n] for h, n in HALVES.items()]
        np.testing.assert_array_equal(found[name], np.concatenate(parts))


@pytest.mark.parametrize(
    "damage", ["cut", "no meta", "not cifar", "evil", "nested labels", "few images", "floats"]
)
def test_a_bad_cifar_archive_is_one_line(
    damage: str, small_cifar: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    files = cifar_pickles(small_cifar, CLASSES)
    if damage == "no meta":
        del files["cifar-100-python/meta"]
    elif damage == "not cifar":
        files["cifar-100-python/meta"] = pickle.dumps({"names": []})
    elif damage == "evil":
        files["cifar-100-python/meta"] = b"cos\nsystem\n(S'true'\ntR."
    elif damage != "cut":
        train = pickle.loads(files["cifar-100-python/train"])
        if damage == "nested labels":
            train["fine_labels"] = nested(64)
        elif damage == "few images":
            train["data"] = train["data"][:-1]
        else:
            train["data"] = train["data"] + 0.5
        files["cifar-100-python/train"] = pickle.dumps(train)
    path = make_tar(tmp_path / "cifar-100-python.tar.gz", files)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UsageError) as error, cifar.cifar_fs(path):
        pass
    assert "\n" not in str(error.value)


def test_a_missing_image_of_cifar_is_counted(
    small_cifar: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    files = cifar_pngs(small_cifar)
    del files["test/sea/00004.png"]
    with pytest.raises(UsageError, match="1 images of 'sea' in the test half, CIFAR-100 has 2"):
        import_dataset("fc100", make_files(tmp_path, files))


# The real archives -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_cifar(shared: Path, fsbench_home: Path) -> Dataset:
    return import_dataset("cifar-fs", shared / "data" / "cifar100" / "cifar100-images.zip")


@pytest.fixture(scope="session")
def real_omniglot(shared: Path, fsbench_home: Path) -> Dataset:
    return import_dataset("omniglot", shared / "data" / "omniglot")


@pytest.mark.slow
def test_real_cifar_fs(real_cifar: Dataset, shared: Path) -> None:
    assert [len(s.images) for s in real_cifar.splits.values()] == [38400, 9600, 12000]
    assert real_cifar["train"].class_names == tuple(class_split("cifar-fs")["train"])
    assert "train" in real_cifar["train"].class_names
    # Published for CIFAR-FS: mean 129.4 124.1 112.5 (SIB, MetaOptNet), from resaved files.
    np.testing.assert_allclose(
        np.multiply(real_cifar["train"].mean, 255), [129.4, 124.1, 112.5], atol=1.5
    )
    assert real_cifar.checksum == CIFAR_FS


@pytest.mark.slow
def test_real_omniglot(real_omniglot: Dataset) -> None:
    assert [len(s.images) for s in real_omniglot.splits.values()] == [82240, 13760, 33840]
    train = real_omniglot["train"]
    assert train.class_names[:2] == ("Angelic/character01/rot000", "Angelic/character01/rot090")
    upright, turned = train.images[:20], train.images[20:40]
    np.testing.assert_array_equal(np.rot90(upright, axes=(1, 2)), turned)
    assert set(np.unique(train.images[:2000])) == {0, 255}
    assert 0.05 < train.mean[0] < 0.1  # ink is bright, and rare
    assert real_omniglot.checksum == OMNIGLOT


# Every image is decoded without loss, so these hold on every machine.
CIFAR_FS = "c76cecfab672641f6bc691bfcb8fa485adc88fea0c0852e1bec7f00bf9281716"
OMNIGLOT = "327f03965a7522b867b1a9568250e8c6f76bf001864652e99a07f73c675dc197"


# Omniglot and folder ---------------------------------------------------------------------------


def test_omniglot_turns_as_pillow_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from extracted folders; each rotation equals Pillow's rotate and resize."""
    split = {"train": ["A/character01"], "val": ["B/character01"], "test": ["B/character02"]}
    monkeypatch.setattr(omniglot, "class_split", lambda _name: split)
    rng, files, first = np.random.default_rng(0), {}, None
    for character in ("A/character01", "B/character01", "B/character02"):
        for i in range(20):
            image = Image.fromarray(rng.random((105, 105)) > 0.1)
            first = first or image
            file = io.BytesIO()
            image.save(file, "PNG")
            files[f"images_background/{character}/{i:02d}.png"] = file.getvalue()
    assert first is not None
    with omniglot.omniglot(make_files(tmp_path, files)) as content:
        found = read_all(content)
    for degrees in (0, 90, 180, 270):
        expected = np.asarray(first.rotate(degrees).resize((28, 28)).convert("L"))
        np.testing.assert_array_equal(
            255 - found[f"A/character01/rot{degrees:03d}"][0, ..., 0], expected
        )


@pytest.mark.parametrize(
    ("present", "message"),
    [([], "has 0 drawings of"), (["images_background.zip"], "has images_background.zip only")],
)
def test_incomplete_omniglot_is_named(present: list[str], message: str, tmp_path: Path) -> None:
    for name in present:
        make_zip(tmp_path / name, {})
    with pytest.raises(UsageError, match=message), omniglot.omniglot(tmp_path):
        pass


def test_a_folder_by_place(empty_home: Path, tmp_path: Path) -> None:
    tree = image_tree({"train": ["a", "train"], "val": ["b"], "test": ["c"]})
    make_files(tmp_path, tree | {"train/a/.hidden.png": b"", "train/a/notes.txt": b""})
    data = import_dataset("folder", tmp_path, as_name="My_Plants", size=8)
    assert data.name == "my-plants"
    assert data["train"].class_names == ("a", "train")
    np.testing.assert_array_equal(data["test"].images[1], decoded(tree["test/c/1.png"]))
    assert open_dataset("my-plants").checksum == data.checksum


def test_a_folder_by_list_grey(empty_home: Path, tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": png(i, mode="L") for c in "abcd" for i in range(2)}
    split_file = tmp_path / "split.json"
    split_file.write_text(json.dumps({"train": ["d", "a"], "val": ["b"], "test": ["c"]}))
    make_zip(tmp_path / "x.zip", files)
    data = import_dataset("folder", tmp_path / "x.zip", size=9, split_file=split_file)
    assert data["train"].class_names == ("d", "a")
    assert data["train"].image_shape == (1, 9, 9)


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


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("glyphs", {}, "nothing to import"),
        ("cifar-fs", {"size": 8}, "--size does not apply to cifar-fs"),
        ("omniglot", {"split_file": Path("x")}, "--split-file does not apply"),
        ("folder", {"as_name": "glyphs"}, "name of a known dataset"),
        ("folder", {"as_name": "../x"}, "cannot name a dataset"),
        ("folder", {}, "has no images in train/CLASS/"),
    ],
)
def test_a_wrong_request_is_one_line(
    name: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        import_dataset(name, tmp_path, **options)  # type: ignore[arg-type]
