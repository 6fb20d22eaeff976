"""Classes that are not in folders of their splits: dealt out by --split, or named by a list."""

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.data.left_out import FORMAT, OUTSIDE, UNLISTED
from fewshot_bench.data.store import stored_names
from fewshot_bench.errors import UsageError
from tests.data.files import decoded, make_files, make_zip, png
from tests.data.imports import PLAIN, classes_of, imported, named_left_out

SCRIPTS = {
    f"{script}/character{k:02}/{i}.png": png(seed, mode="L")
    for seed, (script, k, i) in enumerate(
        (script, k, i) for script in ("Greek", "Latin", "Runic") for k in (1, 2) for i in range(2)
    )
}


def listed(path: Path, *classes: list[str]) -> Path:
    path.write_text(json.dumps(dict(zip(("train", "val", "test"), classes, strict=True))))
    return path


def refusal(path: Path, **options: Any) -> str:
    """Why an import is refused, in one line and with nothing stored."""
    before = stored_names()
    with pytest.raises(UsageError) as error:
        imported(path, **options)
    assert stored_names() == before
    assert "\n" not in str(error.value)
    return str(error.value)


# By name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "wrapper/", "a/b/"])
@pytest.mark.parametrize("pack", [make_files, make_zip])
def test_classes_are_named_by_path(
    pack: Any, around: str, empty_home: Path, tmp_path: Path
) -> None:
    path = pack(tmp_path / "x.zip", {around + name: data for name, data in SCRIPTS.items()})
    names = ["Greek/character01"], ["Latin/character01"], ["Runic/character01"]
    data = imported(path, split_file=listed(tmp_path / "s.json", *names))
    assert [images.class_names for images in data.splits.values()] == [tuple(n) for n in names]
    for images, (name,) in zip(data.splits.values(), names, strict=True):
        expected = [decoded(SCRIPTS[f"{name}/{i}.png"]) for i in range(2)]
        assert (images.rows[..., 0] == expected).all()
    rest = {f"{around}{script}/character02/": 2 for script in ("Greek", "Latin", "Runic")}
    assert named_left_out(data) == {UNLISTED: rest}


def test_an_ambiguous_name_is_refused(empty_home: Path, tmp_path: Path) -> None:
    path = make_files(tmp_path / "x", SCRIPTS)
    names = listed(
        tmp_path / "s.json", ["Greek/character01"], ["character02"], ["Latin/character01"]
    )
    message = refusal(path, split_file=names)
    assert "both 'Greek/character02/' and 'Latin/character02/'" in message
    assert "'character02' is ambiguous" in message


def test_a_whole_path_is_not_ambiguous(empty_home: Path, tmp_path: Path) -> None:
    files = {f"{name}/0.png": png(i) for i, name in enumerate(("a", "b/a", "c", "d"))}
    path = make_files(tmp_path / "x", files)
    data = imported(path, split_file=listed(tmp_path / "s.json", ["a"], ["c"], ["b/a"]))
    assert (data.images("train").images[0] == decoded(png(0))).all()
    assert (data.images("test").images[0] == decoded(png(1))).all()


@pytest.mark.parametrize(
    "name", ["character01", "x/Greek/character01", "Greek/character1", "", "/"]
)
def test_a_name_of_nothing(name: str, empty_home: Path, tmp_path: Path) -> None:
    files = {k: v for k, v in SCRIPTS.items() if k.startswith("Greek/character02")}
    path = make_files(tmp_path / "x", files | {"Greek/character01/0.heic": b""})
    names = listed(tmp_path / "s.json", [name], ["character02"], [])
    assert f"no images of class {name!r} of s.json" in refusal(path, split_file=names)


def test_one_folder_under_two_names(empty_home: Path, tmp_path: Path) -> None:
    path = make_files(tmp_path / "x", {f"a/{c}/0.png": png(0) for c in "bcd"})
    names = listed(tmp_path / "s.json", ["a/b"], ["b"], ["c"])
    assert "names 'a/b/0.png' twice, in 'a/b' and 'b'" in refusal(path, split_file=names)


def test_accents_composed_or_apart_are_one_name(empty_home: Path, tmp_path: Path) -> None:
    apart, composed = "e\u0301te\u0301", "\u00e9t\u00e9"  # as macOS and as others write été
    files = {f"{split}/{split}/0.png": png(0) for split in ("val", "test")}
    path = make_files(tmp_path / "x", files | {f"train/{apart}/0.png": png(0)})
    assert classes_of(imported(path))["train"] == (composed,)
    names = listed(tmp_path / "s.json", [composed], ["val"], ["test"])
    assert classes_of(imported(path, split_file=names))["train"] == (composed,)
    make_files(path, {f"train/{composed}/0.png": png(1)})
    assert "two folders called" in refusal(path)
    assert "is ambiguous" in refusal(path, split_file=names)


def test_two_trees_of_splits_are_refused(empty_home: Path, tmp_path: Path) -> None:
    """Today's other tree of the same shape would be merged class by class."""
    twice = {f"{top}/{name}": data for top in ("new", "old") for name, data in PLAIN.items()}
    assert "in 'new/' and in 'old/'; give one of them" in refusal(make_files(tmp_path / "x", twice))
    outer = make_files(tmp_path / "y", PLAIN | {f"old/{name}": b"" for name in PLAIN})
    assert named_left_out(imported(outer)) == {OUTSIDE: {"old/": len(PLAIN)}}


# By shares -------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "wrapper/"])
def test_a_flat_tree_is_split(around: str, empty_home: Path, tmp_path: Path) -> None:
    files = {f"{around}c{k}/{i}.png": png(10 * k + i) for k in range(10) for i in range(2)}
    path = make_files(tmp_path / "x", files | {f"{around}notes.txt": b""})
    data = imported(path, split="60/20/20")
    assert [len(images.class_names) for images in data.splits.values()] == [6, 2, 2]
    assert (
        data.provenance["split"]
        == "60/20/20 of the classes, dealt out by a hash of name and seed 0"
    )
    assert named_left_out(data) == {FORMAT: {f"{around}notes.txt": 1}}
    for images in data.splits.values():
        for name, start in zip(images.class_names, images.class_offsets, strict=True):
            assert (images.rows[start] == decoded(files[f"{around}{name}/0.png"])).all()
    assert imported(path, split="60/20/20", split_seed=0).checksum == data.checksum
    assert classes_of(imported(path, split="60/20/20", split_seed=1)) != classes_of(data)


def test_small_classes_go_before_the_split(empty_home: Path, tmp_path: Path) -> None:
    files = {f"c{k}/{i}.png": png(k) for k in range(6) for i in range(k)}
    data = imported(make_files(tmp_path / "x", files), split="34/33/33", min_images=3)
    assert sorted(sum(classes_of(data).values(), ())) == ["c3", "c4", "c5"]
    message = refusal(tmp_path / "x", split="34/33/33", min_images=4)
    assert "has 2 classes; --split needs one each" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "60/20"}, "--split '60/20' is not understood"),
        ({"split": "60/20/30"}, "which sum to 100"),
        ({"split": "80/20/0"}, "is not understood"),
        ({"split": "60/20/20/0"}, "is not understood"),
        ({"split": "0.6/0.2/0.2"}, "is not understood"),
        ({"split": ""}, "is not understood"),
        ({"split": "9" * 5000 + "/1/1"}, "is not understood"),
        ({"split": "60/20/20", "split_file": Path("s.json")}, "not both"),
        ({"split_seed": 1}, "--split-seed goes with --split"),
        ({"split": "60/20/20"}, "classes in 'test/' and in 'train/'; leave --split out"),
    ],
)
def test_a_wrong_split_is_one_line(
    options: dict[str, Any], message: str, empty_home: Path, tmp_path: Path
) -> None:
    assert message in refusal(make_files(tmp_path / "x", PLAIN), **options)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a/0.png": b"", "b/0.png": b""},
            "has 2 classes; --split needs one each",
        ),
        ({"0.png": b"", "a/0.txt": b""}, "has no images in CLASS/; --split needs CLASS/image"),
        (SCRIPTS, "has classes in 'Greek/' and in 'Latin/'; leave --split out"),
        (SCRIPTS | {"a/0.png": b""}, "no image of class 'Greek' that can be read, though there is"),
    ],
)
def test_a_tree_that_is_not_flat(
    files: dict[str, bytes], message: str, empty_home: Path, tmp_path: Path
) -> None:
    assert message in refusal(make_files(tmp_path / "x", files), split="60/20/20")
