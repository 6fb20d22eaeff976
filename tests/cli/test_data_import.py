"""``fsbench data import`` of a user's own images, as a user types it and reads it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.store import open_dataset, stored_names
from tests.cli.conftest import Fsbench
from tests.data.files import make_files, png
from tests.data.imports import PLAIN, classes_of, named_left_out
from tests.data.names import ODD
from tests.data.odd_images import oriented

SUMMARY = "mine: train 2 classes, 4 images; val 2 classes, 4 images; test 2 classes, 4 images"
IMPORT = ("--name", "mine", "--size", 8)


def test_all_is_said(fsbench: Fsbench, empty_home: Path, tmp_path: Path) -> None:
    """How images were changed and what was left out, a line each; the summary comes last."""
    turned = oriented(np.zeros((8, 8, 3), dtype=np.uint8), 6, "JPEG")
    extra = {f"train/.ipynb_checkpoints/{i}.png": b"" for i in range(20)}
    extra |= {f"test/e/{i}.heic": b"" for i in range(7)} | {"notes.txt": b""}
    path = make_files(tmp_path / "x", PLAIN | extra | {"val/c/0.png": turned})
    code, out, err = fsbench("import", "folder", path, *IMPORT)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "1 image turned as EXIF says",
        "skipped 20 with hidden or system names: 'train/.ipynb_checkpoints/' (20 files)",
        "skipped 8 of a format that is not read: 'notes.txt', 'test/e/0.heic', 'test/e/1.heic', "
        "'test/e/2.heic', 'test/e/3.heic', and 3 more",
        f"{SUMMARY}; 28 files left out",
    ]
    code, out, _ = fsbench("import", "folder", make_files(tmp_path / "y", PLAIN), *IMPORT)
    assert (code, out) == (0, f"{SUMMARY}\n")


def test_a_flat_folder_is_split_by_class(
    fsbench: Fsbench,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    files = {f"c{k}/{i}.png": png(k) for k in range(12) for i in range(1 if k == 0 else 2)}
    path = make_files(tmp_path / "x", files)
    options = ("--split", "60/20/20", "--split-seed", 3, "--min-images", 2, *IMPORT)
    code, out, _ = fsbench("import", "folder", path, *options)
    assert code == 0
    assert out.splitlines() == [
        "skipped 1 of classes with too few images: 'c0/' (1 file)",
        "mine: train 7 classes, 14 images; val 2 classes, 4 images; test 2 classes, 4 images; "
        "1 file left out",
    ]
    assert "60/20/20" in str(open_dataset("mine").provenance["split"])
    assert "seed 3" in str(open_dataset("mine").provenance["split"])
    assert open_dataset("mine").provenance["min_images"] == 2


@pytest.mark.parametrize(
    ("extra", "options", "message"),
    [
        ({"test/g/0.heic": b""}, (), "no image of class 'g' that can be read, though there is"),
        ({}, ("--split", "60/40"), "--split '60/40' is not understood"),
        ({}, ("--split", "60/20/20"), "leave --split out if these are its splits"),
        ({}, ("--split-seed", 1), "--split-seed goes with --split 60/20/20"),
        ({}, ("--min-images", 3), "would have no train classes"),
        ({"new\nline/a": b""}, ("--split-file", "s\n.json"), "is not a split file"),
        ({"test/new\nline/0.txt": b""}, (), r"no image of class 'new\nline' that can be read"),
        ({"test/a/0.png": b""}, (), "class 'a' is both in train and in test"),
    ],
)
def test_bad_input_is_one_line(
    extra: dict[str, bytes],
    options: tuple[object, ...],
    message: str,
    fsbench: Fsbench,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    path = make_files(tmp_path / "x", PLAIN | extra)
    code, out, err = fsbench("import", "folder", path, *options, *IMPORT)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert stored_names() == []


@pytest.mark.parametrize("option", ["--split", "--split-seed", "--min-images"])
def test_options_of_folders_are_of_folders_alone(
    option: str,
    fsbench: Fsbench,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    code, _, err = fsbench("import", "cifar-fs", tmp_path, option, "1")
    assert code == 2
    assert f"{option} does not apply to cifar-fs" in err


@pytest.mark.parametrize("name", [n for n in ODD if n not in ("007", "NaN", "a_b")])
def test_a_data_set_has_a_plain_name(
    name: str,
    fsbench: Fsbench,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    """It names a folder, and stands in tables; a class may be called as it likes."""
    path = make_files(tmp_path / "x", PLAIN)
    code, _, err = fsbench("import", "folder", path, f"--name={name}")
    assert code == 2
    assert "cannot name a dataset" in err
    assert err.count("\n") == 1
    assert stored_names() == []


def test_odd_class_names_from_import_to_picture(
    fsbench: Fsbench,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    files = {f"{n}/{i}.png": png(i) for n in ODD for i in range(3)}
    path = make_files(tmp_path / "x", files)
    code, _, err = fsbench("import", "folder", path, "--split", "10/10/80", *IMPORT)
    assert (code, err) == (0, "")
    assert sum(map(len, classes_of(open_dataset("mine")).values())) == len(ODD)
    code, out, _ = fsbench("list")
    assert code == 0
    assert any(row.split()[:2] == ["mine", "yes"] for row in out.splitlines())
    ways, picture = len(open_dataset("mine")["test"].class_names), tmp_path / "e.png"
    shown = ("show", "mine", "--ways", ways, "--queries", 2, "--output", picture)
    code, _, err = fsbench(*shown)
    assert (code, err) == (0, "")
    assert Image.open(picture).width > 100


def test_names_are_escaped_where_a_terminal_cannot_show_them(
    empty_home: Path, tmp_path: Path
) -> None:
    path = make_files(tmp_path / "x", PLAIN | {"日本語/0.png": b""})
    code = "from fewshot_bench.cli import main; main()"
    arguments = ["data", "import", "folder", str(path), "--name", "mine", "--size", "8"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"FSBENCH_HOME": str(empty_home), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"'\\u65e5\\u672c\\u8a9e/' (1 file)" in done.stdout
    (names,) = named_left_out(open_dataset("mine")).values()
    assert names == {"日本語/": 1}
