"""CIFAR-100 in each layout in which it is passed around, small ones and the real archive."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import cifar
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.splits import class_split
from fewshot_bench.errors import UsageError
from tests.data.files import cifar_pickles, make_files, make_tar, make_zip, read_all

# Every image is decoded without loss, so this holds on every machine.
CIFAR_FS = "c76cecfab672641f6bc691bfcb8fa485adc88fea0c0852e1bec7f00bf9281716"
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


@pytest.fixture(scope="session")
def real_cifar(shared: Path, fsbench_home: Path) -> Dataset:
    return import_dataset("cifar-fs", shared / "data" / "cifar100" / "cifar100-images.zip")


@pytest.mark.slow
def test_real_cifar_fs(real_cifar: Dataset, shared: Path) -> None:
    assert [len(s) for s in real_cifar.splits.values()] == [38400, 9600, 12000]
    assert real_cifar["train"].class_names == tuple(class_split("cifar-fs")["train"])
    assert "train" in real_cifar["train"].class_names
    # Published for CIFAR-FS: mean 129.4 124.1 112.5 (SIB, MetaOptNet), from resaved files.
    np.testing.assert_allclose(
        np.multiply(real_cifar.images("train").mean, 255), [129.4, 124.1, 112.5], atol=1.5
    )
    assert real_cifar.checksum == CIFAR_FS
