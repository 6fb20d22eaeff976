"""Omniglot in the layouts in which it is passed around, small ones and the real archives."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import omniglot
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.errors import UsageError
from tests.data.files import make_files, make_zip, read_all

# Every image is decoded without loss, so this holds on every machine.
OMNIGLOT = "327f03965a7522b867b1a9568250e8c6f76bf001864652e99a07f73c675dc197"


@pytest.fixture(scope="session")
def real_omniglot(shared: Path, fsbench_home: Path) -> Dataset:
    return import_dataset("omniglot", shared / "data" / "omniglot")


@pytest.mark.slow
def test_real_omniglot(real_omniglot: Dataset) -> None:
    assert [len(s) for s in real_omniglot.splits.values()] == [82240, 13760, 33840]
    train = real_omniglot.images("train")
    assert train.class_names[:2] == ("Angelic/character01/rot000", "Angelic/character01/rot090")
    upright, turned = train.images[:20], train.images[20:40]
    np.testing.assert_array_equal(np.rot90(upright, axes=(1, 2)), turned)
    assert set(np.unique(train.images[:2000])) == {0, 255}
    assert 0.05 < train.mean[0] < 0.1  # ink is bright, and rare
    assert real_omniglot.checksum == OMNIGLOT


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
