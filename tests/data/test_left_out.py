"""Nothing of a folder is lost without a word: what is not stored is counted and named."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.data import left_out
from fewshot_bench.data.left_out import (
    BAD,
    CYCLE,
    DEPTH,
    EMPTY,
    FORMAT,
    HIDDEN,
    LEFT_OUT,
    NO_FILE,
    OUTSIDE,
    SMALL,
    Reason,
    files_left_out,
    lines_left_out,
)
from fewshot_bench.data.store import stored_names
from fewshot_bench.errors import UsageError
from tests.data.files import make_files, make_zip, png
from tests.data.imports import PLAIN, classes_of, imported, named_left_out


@pytest.mark.parametrize("pack", [make_files, make_zip])
@pytest.mark.parametrize(
    ("extra", "reason", "named"),
    [
        ("test/.ipynb_checkpoints/0-checkpoint.png", HIDDEN, "test/.ipynb_checkpoints/"),
        ("test/e/.ipynb_checkpoints/0.png", HIDDEN, "test/e/.ipynb_checkpoints/"),
        ("__MACOSX/test/e/._0.png", HIDDEN, "__MACOSX/"),
        ("val/@eaDir/x.png", HIDDEN, "val/@eaDir/"),
        ("train/.DS_Store", HIDDEN, "train/.DS_Store"),
        ("train/a/Thumbs.db", HIDDEN, "train/a/Thumbs.db"),
        ("train/a/desktop.ini", HIDDEN, "train/a/desktop.ini"),
        ("README.md", FORMAT, "README.md"),
        ("train/a/0.heic", FORMAT, "train/a/0.heic"),
        ("train/a/0", FORMAT, "train/a/0"),
        ("x.png", DEPTH, "x.png"),
        ("train/x.png", DEPTH, "train/x.png"),
        ("train/a/more/0.png", DEPTH, "train/a/more/"),
        ("train/a/more/yet/0.png", DEPTH, "train/a/more/"),
        ("unlabelled/0.png", OUTSIDE, "unlabelled/"),
        ("unlabelled/z/notes.txt", OUTSIDE, "unlabelled/"),
    ],
)
def test_what_is_left_out_is_named(
    pack: Any, extra: str, reason: str, named: str, empty_home: Path, tmp_path: Path
) -> None:
    data = imported(pack(tmp_path / "x.zip", PLAIN | {extra: png(0)}))
    assert named_left_out(data) == {reason: {named: 1}}
    assert data.checksum == imported(pack(tmp_path / "plain.zip", PLAIN)).checksum
    assert lines_left_out(data.provenance) == [
        f"skipped 1 {reason}: {named!r}" + " (1 file)" * named.endswith("/")
    ]
    assert named_left_out(imported(tmp_path / "plain.zip")) == {}


def test_long_lists_are_cut_short_but_counted(
    empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_out, "MOST_NAMES", 7)
    extra = {f"train/a/{i}.txt": b"" for i in range(20)}
    data = imported(make_files(tmp_path / "x", PLAIN | extra))
    record: dict[str, Reason] = data.provenance[LEFT_OUT]  # type: ignore[assignment]
    assert (record[FORMAT]["files"], record[FORMAT]["unnamed"]) == (20, 13)
    assert len(record[FORMAT]["names"]) == 7
    (line,) = lines_left_out(data.provenance)
    assert line.startswith(f"skipped 20 {FORMAT}: 'train/a/0.txt', 'train/a/1.txt', ")
    assert line.endswith("'train/a/12.txt', and 15 more")


def emptied(name: str, replaced: Mapping[str, bytes]) -> dict[str, bytes]:
    return {k: v for k, v in PLAIN.items() if not k.startswith(name)} | dict(replaced)


@pytest.mark.parametrize("pack", [make_files, make_zip])
@pytest.mark.parametrize(
    ("inside", "example"),
    [
        ({"test/f/0.heic": b""}, ", though there is 'test/f/0.heic'"),
        ({"test/f/sub/0.png": png(0)}, ", though there is 'test/f/sub/0.png'"),
        ({"test/f/.0.png": png(0)}, ""),
    ],
)
def test_a_class_that_yields_nothing_is_an_error(
    pack: Any, inside: dict[str, bytes], example: str, empty_home: Path, tmp_path: Path
) -> None:
    path = pack(tmp_path / "x.zip", emptied("test/f/", inside))
    with pytest.raises(UsageError) as error:
        imported(path)
    assert f"no image of class 'f' that can be read{example}; mend the class" in str(error.value)
    assert stored_names() == []
    data = imported(path, min_images=1)
    assert classes_of(data)["test"] == ("e",)
    assert named_left_out(data)[SMALL] == {"test/f/": 0}
    assert files_left_out(data.provenance) == 1


@pytest.mark.parametrize("pack", [make_files, make_zip])
def test_an_empty_folder_is_a_class_that_yields_nothing(
    pack: Any, empty_home: Path, tmp_path: Path
) -> None:
    path = pack(tmp_path / "x.zip", PLAIN)
    if pack is make_zip:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("test/g/", b"")
    else:
        (path / "test/g").mkdir()
    with pytest.raises(UsageError, match="no image of class 'g' that can be read; mend"):
        imported(path)
    assert named_left_out(imported(path, min_images=1)) == {
        EMPTY: {"test/g/": 0},
        SMALL: {"test/g/": 0},
    }


def test_small_classes_are_left_out_by_name(empty_home: Path, tmp_path: Path) -> None:
    files = PLAIN | {f"train/big/{i}.png": png(i) for i in range(3)}
    files |= {f"{s}/{s}/{i}.png": png(i) for i in range(4) for s in ("val", "test")}
    path = make_files(tmp_path / "x", files | {"train/big/9.png": b"no image"})
    data = imported(path, min_images=3, skip_bad_images=True)
    assert classes_of(data) == {"train": ("big",), "val": ("val",), "test": ("test",)}
    small = ("train/a/", "train/b/", "val/c/", "val/d/", "test/e/", "test/f/")
    assert named_left_out(data) == {BAD: {"train/big/9.png": 1}, SMALL: dict.fromkeys(small, 2)}
    with pytest.raises(UsageError, match="would have no train classes"):
        imported(path, min_images=4, skip_bad_images=True)


def test_names_that_are_not_text(empty_home: Path, tmp_path: Path) -> None:
    """A file system's names are bytes; those that are not UTF-8 are named by escapes."""
    path = make_files(tmp_path / "x", PLAIN)
    (path / "train/a" / os.fsdecode(b"\xe9.png")).write_bytes(png(0))
    (path / "train/a" / os.fsdecode(b"\xe9.txt")).touch()
    data = imported(path)
    assert data["train"].class_counts[0] == 3
    assert named_left_out(data) == {FORMAT: {"train/a/\\udce9.txt": 1}}
    (path / "train/a").rename(path / "train" / os.fsdecode(b"caf\xe9"))
    with pytest.raises(UsageError, match=r"class 'caf\\udce9' of train .* not UTF-8"):
        imported(path)


PARTS = st.sampled_from(["a", "b", "train", "z", ".git", "__MACOSX", "Thumbs.db", "x.png", "y.txt"])
EXTRAS = st.lists(st.lists(PARTS, min_size=1, max_size=5).map("/".join), max_size=8)


def fitting(extras: list[str]) -> Iterator[str]:
    """Those of the names that can be files beside PLAIN's and the others'."""
    files, folders = set(PLAIN), {p.as_posix() for name in PLAIN for p in Path(name).parents}
    for name in extras:
        above = {parent.as_posix() for parent in Path(name).parents}
        if name not in files | folders and not above & files:
            files.add(name)
            folders |= above
            yield name


@settings(max_examples=60)
@given(extras=EXTRAS)
@pytest.mark.parametrize("pack", [make_files, make_zip])
def test_every_file_is_stored_or_named(
    pack: Any, extras: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Images stored, and files named as left out, are together the files of the tree."""
    files = PLAIN | {name: png(0) for name in fitting(extras)}
    data = imported(pack(tmp_path_factory.mktemp("t") / "x.zip", files), min_images=1)
    stored = sum(len(split) for split in data.splits.values())
    assert stored + files_left_out(data.provenance) == len(files)
    assert files_left_out(data.provenance) == sum(
        sum(n.values()) for n in named_left_out(data).values()
    )


def test_what_is_no_file_is_named(empty_home: Path, tmp_path: Path) -> None:
    path = make_files(tmp_path / "x", PLAIN)
    (path / "train/a/gone.png").symlink_to("nowhere.png")
    (path / "train/a/self.png").symlink_to("self.png")
    os.mkfifo(path / "train/a/pipe.png")
    (path / "train/a/up").symlink_to("..")
    data = imported(path)
    assert named_left_out(data) == {
        NO_FILE: dict.fromkeys([f"train/a/{n}.png" for n in ("gone", "pipe", "self")], 1),
        CYCLE: {"train/a/up/": 0},
    }
