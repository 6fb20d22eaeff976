"""``fsbench data`` as a user types it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.entry import datasets
from fewshot_bench.data.store import open_dataset
from fewshot_bench.data.write import dataset_folder
from tests.cli.conftest import Fsbench
from tests.data.file_server import MD5, Server
from tests.data.files import image_tree, make_files, make_zip


@pytest.fixture
def tree(empty_home: Path, tmp_path: Path) -> Path:
    split = {"train": ["a", "b"], "val": ["c", "d"], "test": ["e", "f"]}
    return make_files(tmp_path / "tree", image_tree(split, per_class=5))


def test_import_list_verify_show(fsbench: Fsbench, tree: Path, tmp_path: Path) -> None:
    code, out, _ = fsbench("import", "folder", tree, "--name", "mine", "--size", 10)
    assert code == 0
    assert "mine: train 2 classes, 10 images; val 2 classes" in out
    _, out, _ = fsbench("list")
    assert any(row.split()[:3] == ["mine", "yes", "10x10x3"] for row in out.splitlines())
    assert any(row.split()[:2] == ["omniglot", "no"] for row in out.splitlines())
    _, out, _ = fsbench("verify", "mine")
    assert out == f"mine ok, checksum {open_dataset('mine').checksum}\n"
    picture = tmp_path / "new folder" / "e.png"
    code, out, _ = fsbench(
        "show", "mine", "--ways", 2, "--shots", 2, "--queries", 3, "--output", picture
    )
    assert code == 0
    assert len(np.unique(np.asarray(Image.open(picture)))) > 50


def test_damage_is_exit_code_2(fsbench: Fsbench, tree: Path) -> None:
    fsbench("import", "folder", tree, "--size", 8)
    array = dataset_folder("folder") / "val.npy"
    array.write_bytes(array.read_bytes()[:-1] + b"\0")
    code, out, err = fsbench("verify", "folder")
    assert (code, out) == (2, "")
    assert "the val split of 'folder' is damaged" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "cifar", "x"], "did you mean 'cifar-fs'?"),
        (["import", "cifar-fs", "nowhere"], "nowhere does not exist"),
        (["show", "glyphs", "--split", "tset"], "did you mean 'test'?"),
        (["show", "glyphs", "--queries", "30"], "ask for 19 queries a class or fewer"),
        (["download", "tiered-imagenet"], "fsbench data import tiered-imagenet PATH"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, fsbench: Fsbench) -> None:
    code, _, err = fsbench(*arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("empty_home")
def test_a_missing_dataset_says_how_to_get_it(fsbench: Fsbench) -> None:
    code, _, err = fsbench("verify", "cifar-fs")
    assert code == 2
    assert "fsbench data download cifar-fs" in err


def test_download_fetches_and_imports(
    fsbench: Fsbench,
    file_server: Server,
    empty_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What arrives is checked, kept, and given to the importer, which refuses these bytes."""
    entry = datasets["cifar-fs"]
    local = replace(entry.downloads[0], url=file_server.url, md5=MD5)
    monkeypatch.setitem(datasets._entries, "cifar-fs", replace(entry, downloads=(local,)))
    code, _, err = fsbench("download", "cifar-fs")
    assert code == 2
    assert "downloads/file.zip is not a whole zip archive" in err
    assert (empty_home / "downloads" / "file.zip").exists()


def test_a_split_file_is_used(fsbench: Fsbench, empty_home: Path, tmp_path: Path) -> None:
    tree = {k.split("/", 1)[1]: v for k, v in image_tree({"x": "abc"}).items()}
    make_zip(tmp_path / "x.zip", tree)
    (tmp_path / "s.json").write_text(json.dumps({"train": ["b"], "val": ["c"], "test": ["a"]}))
    code, out, _ = fsbench(
        "import", "folder", tmp_path / "x.zip", "--split-file", tmp_path / "s.json", "--size", 8
    )
    assert code == 0
    assert "train 1 classes, 3 images" in out


def test_bad_images_are_skipped_and_counted_if_asked_for(fsbench: Fsbench, tree: Path) -> None:
    (tree / "train" / "a" / "1.png").write_bytes(b"no image")
    (tree / "test" / "f" / "0.png").write_bytes((tree / "test" / "f" / "1.png").read_bytes()[:-30])
    code, _, err = fsbench("import", "folder", tree, "--size", 8)
    assert code == 2
    assert "'train/a/1.png' is not a whole" in err
    code, out, _ = fsbench("import", "folder", tree, "--size", 8, "--skip-bad-images")
    assert code == 0
    assert "train 2 classes, 9 images" in out
    assert "skipped 2 that cannot be read: 'test/f/0.png', 'train/a/1.png'\n" in out
    for file in (tree / "val" / "c").iterdir():
        file.write_bytes(b"")
    code, _, err = fsbench("import", "folder", tree, "--skip-bad-images")
    assert code == 2
    assert "no image of class 'c' that can be read" in err
    code, _, err = fsbench("import", "cifar-fs", tree, "--skip-bad-images")
    assert "--skip-bad-images does not apply to cifar-fs" in err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; import fewshot_bench.cli.data; "
        "print([m for m in ('torch', 'numpy', 'PIL', 'rich.table', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" not in done.stdout
    assert "torch" not in done.stdout
