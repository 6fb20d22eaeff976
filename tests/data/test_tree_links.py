"""Links in a folder are followed; an import does not tell them from copies."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.data.left_out import CYCLE, OUTSIDE
from fewshot_bench.data.tree import open_tree
from fewshot_bench.errors import UsageError
from tests.data.files import make_files, make_zip, png
from tests.data.imports import PLAIN, classes_of, imported, named_left_out

CLASSES = sorted({name.rsplit("/", 1)[0] for name in PLAIN})


@pytest.mark.parametrize("pool", ["x/images", "x/zz", "elsewhere"])
def test_linked_classes(pool: str, empty_home: Path, tmp_path: Path) -> None:
    """Wherever the pool is, inside the folder before or behind the links, or outside."""
    (tmp_path / "x").mkdir()
    for folder in CLASSES:
        files = {name.rsplit("/", 1)[1]: png(i) for i, name in enumerate(PLAIN) if folder in name}
        make_files(tmp_path / pool / folder.replace("/", "-"), files)
        (tmp_path / "x" / folder).parent.mkdir(exist_ok=True)
        (tmp_path / "x" / folder).symlink_to(tmp_path / pool / folder.replace("/", "-"))
    data = imported(tmp_path / "x")
    assert classes_of(data) == {"train": ("a", "b"), "val": ("c", "d"), "test": ("e", "f")}
    inside = pool.startswith("x/")
    assert named_left_out(data) == ({OUTSIDE: {f"{pool[2:]}/": len(PLAIN)}} if inside else {})
    assert data.checksum == imported(make_files(tmp_path / "plain", PLAIN)).checksum


@settings(max_examples=25)
@given(linked=st.sets(st.sampled_from(sorted(PLAIN) + CLASSES)), order=st.randoms())
def test_links_and_order_change_nothing(
    linked: set[str], order: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any files and folders replaced by links, and any order in which folders are listed."""
    folder = tmp_path_factory.mktemp("t")
    make_files(folder / "x", PLAIN)
    for i, name in enumerate(sorted(linked, reverse=True)):  # files before their folders
        (folder / "x" / name).rename(folder / str(i))
        (folder / "x" / name).symlink_to(folder / str(i))
    expected = imported(make_files(folder / "plain", PLAIN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", _shuffled(order))
        data = imported(folder / "x")
    assert (data.checksum, data.provenance) == (expected.checksum, expected.provenance)


@settings(max_examples=10)
@given(names=st.permutations(sorted(PLAIN)))
def test_the_order_of_an_archive_changes_nothing(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("t")
    data = imported(make_zip(folder / "x.zip", {name: PLAIN[name] for name in names}))
    expected = imported(make_files(folder / "x", PLAIN))
    assert (data.checksum, data.provenance) == (expected.checksum, expected.provenance)


def _shuffled(order: random.Random) -> object:
    listed = os.scandir

    class Listing:
        def __init__(self, path: Path) -> None:
            self._found = sorted(listed(path), key=lambda entry: entry.name)
            order.shuffle(self._found)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self._found)

        def __exit__(self, *_error: object) -> None:
            pass

    return Listing


def test_only_links_to_folders_above_are_cycles(tmp_path: Path) -> None:
    make_files(tmp_path, {"a/1.png": b"", "b/2.png": b""})
    (tmp_path / "a/b").symlink_to("../b")
    (tmp_path / "b/a").symlink_to("../a")
    (tmp_path / "a/again").symlink_to("../b")
    (tmp_path / "a/root").symlink_to(tmp_path)
    with open_tree(tmp_path) as found:
        assert found.files == [
            "a/1.png",
            "a/again/2.png",
            "a/b/2.png",
            "b/2.png",
            "b/a/1.png",
        ]
        cycles = ["a/again/a/", "a/b/a/", "a/root/", "b/a/again/", "b/a/b/", "b/a/root/"]
        assert found.left_out.record()[CYCLE]["names"] == dict.fromkeys(cycles, 0)


def test_links_that_multiply_are_refused(tmp_path: Path) -> None:
    """Forty folders, each with two links to the next, would be listed 2^40 times."""
    for i in range(40):
        (tmp_path / str(i)).mkdir()
        for name in "xy":
            (tmp_path / str(i) / name).symlink_to(f"../{i + 1}")
    (tmp_path / "40").mkdir()
    with pytest.raises(UsageError, match="in more than 100 ways"), open_tree(tmp_path):
        pass


def test_hidden_links_are_not_followed(empty_home: Path, tmp_path: Path) -> None:
    make_files(tmp_path / "x", PLAIN | {"train/.cache/1": b""})
    make_files(tmp_path / "other", {f"{i}.png": b"" for i in range(5)})
    (tmp_path / "x/.all").symlink_to(tmp_path / "other")
    (tmp_path / "x/train/.cache/all").symlink_to(tmp_path / "other")
    (found,) = named_left_out(imported(tmp_path / "x")).values()
    assert found == {".all/": 0, "train/.cache/": 1}


def test_a_folder_that_cannot_be_read_is_an_error(
    empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its images would be missing without a word."""
    listed = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UsageError, match=r"train/b cannot be read: Permission denied"):
        imported(make_files(tmp_path / "x", PLAIN))


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(tmp_path / "x.zip")
    with (
        pytest.raises(UsageError, match="neither a folder nor a zip"),
        open_tree(tmp_path / "x.zip"),
    ):
        pass
