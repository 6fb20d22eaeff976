"""What the harness draws is drawn anew where another version of it is stored, unasked."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data import store
from fewshot_bench.data.content import ClassImages, Content
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.drawn import DRAWN
from fewshot_bench.data.entry import DatasetEntry, datasets
from fewshot_bench.data.store import open_dataset, stored_checksum, stored_names, verify
from fewshot_bench.data.write import dataset_folder, write_dataset
from fewshot_bench.errors import UsageError

SHAPE = (2, 2, 1)


def drawing(version: int) -> Content:
    """Three classes of two images, whose pixels are the version."""
    images = np.full((2, *SHAPE), version, np.uint8)
    images[0] = 0
    splits = {split: [ClassImages(split, 2, lambda: images)] for split in SPLITS}
    return Content(SHAPE, splits, {"version": version})


@pytest.fixture
def drawn(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Versions as they are drawn; the harness draws the second."""
    made: list[int] = []

    def generate() -> Content:
        made.append(2)
        return drawing(2)

    theirs = DatasetEntry("theirs", "", (1, 2, 2), (1, 1, 1), "2", "", "")
    ours = replace(theirs, name="ours", generate=generate)
    monkeypatch.setattr(store, "datasets", {"ours": ours, "theirs": theirs})
    monkeypatch.setattr(store, "DRAWN", {"ours": 2})
    return made


def test_another_version_is_drawn_anew_and_the_same_is_kept(drawn: list[int]) -> None:
    write_dataset("ours", drawing(1))
    former = json.loads((dataset_folder("ours") / "dataset.json").read_text())["checksum"]
    assert (stored_names(), stored_checksum("ours")) == ([], None)
    data = open_dataset("ours")
    assert data.checksum != former
    assert data.images("test").images.max() == 2
    assert (stored_names(), stored_checksum("ours")) == (["ours"], data.checksum)
    assert open_dataset("Ours").checksum == verify("ours") == data.checksum
    assert drawn == [2]
    write_dataset("ours", drawing(3))  # of a newer fsbench in the same home
    assert verify("ours") == data.checksum
    assert drawn == [2, 2]
    assert [p.name for p in dataset_folder("ours").parent.glob("[!.]*")] == ["ours"]


def test_what_the_user_brought_has_no_version(drawn: list[int]) -> None:
    for name in ("theirs", "mine"):
        write_dataset(name, drawing(1))
        assert open_dataset(name).images("test").images.max() == 1
    assert not drawn


def test_what_cannot_be_read_is_not_drawn_over(drawn: list[int]) -> None:
    write_dataset("ours", drawing(2))
    (dataset_folder("ours") / "dataset.json").write_text("{")
    with pytest.raises(UsageError, match="get it again"):
        open_dataset("ours")
    assert not drawn


def test_all_that_is_drawn_has_a_version() -> None:
    drawn = {name for name in datasets if datasets[name].generate is not None}
    assert drawn == DRAWN.keys()
