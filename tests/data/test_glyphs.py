"""The built-in data set: reproducible, new scripts in test, neither trivial nor hopeless."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.catalog import ENTRIES
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.glyph_drawing import SIZE, drawings
from fewshot_bench.data.glyph_fonts import BOX
from fewshot_bench.data.glyph_scripts import SCRIPTS, VERSION
from fewshot_bench.data.glyphs import DRAWINGS, draw
from fewshot_bench.data.store import open_dataset, verify
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec

DRAWN = "6542ed48e895ad1a"  # digest of drawings of two shapes, see below
BUILD = "from fewshot_bench.data.store import open_dataset; print(open_dataset('glyphs').checksum)"


@pytest.fixture(scope="module")
def glyphs(fsbench_home: Path) -> Dataset:
    return open_dataset("glyphs")


def test_concurrent_processes_agree_with_this_one(glyphs: Dataset, tmp_path: Path) -> None:
    """Two processes that share a home draw once; their bytes are those drawn here.

    They do without the vector instructions that numpy finds here, as on an older machine.
    """
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    environment = os.environ | {"FSBENCH_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    environment["NPY_DISABLE_CPU_FEATURES"] = " ".join(found)
    command = [sys.executable, "-c", BUILD]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    checksums = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert checksums == {glyphs.checksum}
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == [".glyphs.lock", "glyphs"]


def test_it_is_as_the_catalogue_says(glyphs: Dataset) -> None:
    entry = next(e for e in ENTRIES if e.name == "glyphs")
    assert tuple(len(s.class_names) for s in glyphs.splits.values()) == entry.classes
    assert glyphs.images("train").image_shape == entry.image_shape
    assert all((s.class_counts == DRAWINGS).all() for s in glyphs.splits.values())
    assert verify("glyphs") == glyphs.checksum


def test_every_script_is_in_one_split(glyphs: Dataset) -> None:
    for name, split in glyphs.splits.items():
        assert {c.split("/")[0] for c in split.class_names} == SCRIPTS[name].keys()


@pytest.mark.parametrize("code", [0x391, 0x410, 0x6F, 0x3BF, 0x43E])
def test_look_alikes_count_once(glyphs: Dataset, code: int) -> None:
    """Alpha and Cyrillic A look as Latin A does, and all small letters o as capital O."""
    names = {name for split in glyphs.splits.values() for name in split.class_names}
    assert {"Latin/U+0041", "Latin/U+004F"} <= names
    assert not any(name.endswith(f"U+{code:04X}") for name in names)


def test_a_drawing_depends_on_its_character_alone() -> None:
    np.testing.assert_array_equal(draw(0x41), draw(0x41))
    assert (draw(0x41) != draw(0x42)).mean() > 0.1


def test_the_arithmetic_of_a_drawing_is_the_same_on_every_machine() -> None:
    """Of shapes, in which no font has a part, the bytes are known."""
    shapes = np.zeros((2, BOX, BOX), dtype=bool)
    shapes[0, 12:52, 12:52], shapes[1, 8:56, 24:40] = True, True
    shapes[:, 28:36, 28:36] = False
    drawn = drawings(shapes, 6, np.random.Generator(np.random.Philox(key=[VERSION, 0])))
    assert drawn.shape == (6, SIZE, SIZE)
    assert hashlib.sha256(drawn.astype("<f4").tobytes()).hexdigest()[:16] == DRAWN


def test_drawings_differ_and_are_bright_on_dark(glyphs: Dataset) -> None:
    images = glyphs.images("test").images
    assert 0.15 < images.mean() / 255 < 0.35
    flat = images.reshape(len(images), -1)
    assert len(np.unique(flat, axis=0)) == len(images)
    ink, paper = np.quantile(flat, 0.98, axis=1), np.median(flat, axis=1)
    assert (ink - paper > 60).all()


@pytest.mark.parametrize(("shots", "low", "high"), [(1, 0.28, 0.42), (5, 0.46, 0.64)])
@pytest.mark.parametrize("name", ["val", "test"])
def test_pixels_alone_are_not_enough(
    glyphs: Dataset, name: str, shots: int, low: float, high: float
) -> None:
    """Nearest prototype on raw pixels, 5-way: far from chance (0.2) and perfect; val as test."""
    spec, n = EpisodeSpec(5, shots, 15), 300
    split = glyphs.images(name)
    episodes = EpisodeSource(split, spec).indices(0, n)
    pixels = split.images.reshape(len(split.images), -1) / np.float32(255)
    order = np.argsort(episodes.support_labels, axis=1)
    support = np.take_along_axis(episodes.support, order, 1).reshape(n, 5, shots)
    accuracy = [
        ((pixels[query][:, None] - pixels[rows].mean(1)) ** 2).sum(-1).argmin(1) == labels
        for rows, query, labels in zip(support, episodes.query, episodes.query_labels, strict=True)
    ]
    assert low < np.mean(accuracy) < high
