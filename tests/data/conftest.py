"""Stored data sets that tests may change."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.content import ClassImages, ClassVectors, Content, EmbeddingContent
from fewshot_bench.data.write import write_dataset
from fewshot_bench.data.write_embeddings import write_embeddings
from tests.data.forging import COUNT, SPLITS


@pytest.fixture(scope="session")
def written(fsbench_home: Path) -> Path:
    """Folder of data sets of images and of embeddings."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, COUNT, 2, 2, 3), dtype=np.uint8)
    images = {
        split: [ClassImages(split, COUNT, lambda i=i: pixels[i])]  # type: ignore[misc]
        for i, split in enumerate(SPLITS)
    }
    write_dataset("forged-images", Content((2, 2, 3), images, {}))
    rows = rng.random((2, COUNT, 4)).astype("f4")
    vectors = [ClassVectors(f"c{i}", COUNT, lambda i=i: rows[i]) for i in range(2)]  # type: ignore[misc]
    write_embeddings("forged-rows", EmbeddingContent(4, {"test": vectors}, {}))
    return fsbench_home / "data"


@pytest.fixture
def stored_images(written: Path, empty_home: Path) -> Path:
    """A fresh copy of the images, with all times."""
    return Path(shutil.copytree(written / "forged-images", empty_home / "data" / "mine"))


@pytest.fixture
def stored_rows(written: Path, empty_home: Path) -> Path:
    """A fresh copy of the embeddings."""
    return Path(shutil.copytree(written / "forged-rows", empty_home / "data" / "mine"))
