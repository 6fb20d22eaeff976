"""Split files: JSON and CSV say the same, and a class is named once or refused."""

import contextlib
import csv
import io
import json
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.left_out import FORMAT, UNLISTED
from fewshot_bench.data.split_file import read_split_list
from fewshot_bench.errors import UsageError
from tests.data.files import decoded, make_files, png
from tests.data.imports import classes_of, imported, named_left_out

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


def table(heading: str, *rows: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([heading.split(","), *rows])
    return text.getvalue()


def read(path: Path) -> object:
    """What a list says; for one that names a class more than once, nothing."""
    with contextlib.suppress(UsageError):
        return read_split_list(path).images
    return None


@given(rows=st.lists(st.tuples(TEXTS, st.sampled_from(SPLITS)), max_size=9))
def test_json_and_csv_say_the_same(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the names; a name that is there twice is refused by both."""
    folder = tmp_path_factory.mktemp("t")
    lists = {split: [name for name, where in rows if where == split] for split in SPLITS}
    (folder / "s.json").write_text(json.dumps(lists), "utf-8")
    (folder / "s.csv").write_text(table("class,split", *rows), "utf-8-sig", newline="")
    names = [unicodedata.normalize("NFC", name) for name, _ in rows]
    assert (read(folder / "s.json") is None) == (len(set(names)) < len(names))
    assert read(folder / "s.json") == read(folder / "s.csv")


HEADING = "filename,label"
LISTS = {
    "train.csv": table(HEADING, ("n1_0.png", "n1"), ("n2_0.png", "n2"), ("n1_1.png", "n1")),
    "val.csv": table(HEADING, ("n3_0.png", "n3")),
    "test.csv": table(HEADING, ("n4_0.png", "n4")),
}
IMAGES = {f"images/n{1 + k // 2}_{k % 2}.png": png(k) for k in range(8)}


def texts(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def test_lists_of_images(empty_home: Path, tmp_path: Path) -> None:
    """As Ravi and Larochelle write them: three tables of file names, of any folder."""
    path = make_files(tmp_path / "x", IMAGES)
    data = imported(path, split_file=make_files(tmp_path / "lists", texts(LISTS)))
    assert classes_of(data) == {"train": ("n1", "n2"), "val": ("n3",), "test": ("n4",)}
    expected = [decoded(IMAGES[f"images/{n}.png"]) for n in ("n1_0", "n1_1", "n2_0")]
    assert (data.images("train").images == expected).all()
    unlisted = [f"images/{n}_1.png" for n in ("n2", "n3", "n4")]
    assert named_left_out(data) == {UNLISTED: dict.fromkeys(unlisted, 1)}


def test_lists_beside_their_images(empty_home: Path, tmp_path: Path) -> None:
    path = make_files(tmp_path / "x", IMAGES | texts(LISTS))
    assert set(named_left_out(imported(path, split_file=path))[FORMAT]) == set(LISTS)


def test_one_table_of_images(empty_home: Path, tmp_path: Path) -> None:
    """Images of one folder in several classes and splits, named by their path."""
    rows = [("images/n1_0.png", "a", "train"), ("n2_0.png", "b", "val"), ("n3_0.png", "c", "test")]
    (tmp_path / "s.csv").write_text(table("filename,label,split", *rows))
    path = make_files(tmp_path / "x", IMAGES)
    data = imported(path, split_file=tmp_path / "s.csv")
    assert classes_of(data) == {"train": ("a",), "val": ("b",), "test": ("c",)}


@pytest.mark.parametrize(
    ("val", "message"),
    [
        (table(HEADING, ("n3_9.png", "n3")), "no image 'n3_9.png'"),
        (table(HEADING, ("n3_0.png", "n4")), "'n4' is both in val and in test"),
        (table(HEADING, ("n1_0.png", "n3")), "twice, in 'n1' and 'n3'"),
        (table(HEADING, ("n3_0.png", "")), "line 2 of"),
        (table("file,label", ("n3_0.png", "n3")), "no images of class 'n3'"),
        (None, "val.csv is not a split file"),
    ],
)
def test_a_bad_list_of_images(
    val: str | None, message: str, empty_home: Path, tmp_path: Path
) -> None:
    path, lists = make_files(tmp_path / "x", IMAGES), make_files(tmp_path / "lists", texts(LISTS))
    if val is None:
        (lists / "val.csv").unlink()
    else:
        (lists / "val.csv").write_text(val)
    with pytest.raises(UsageError, match=message):
        imported(path, split_file=lists)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"class,split\na,train\na,train\n", "names a class twice: 'a'"),
        (b"class,split\na,train\na,val\n", "'a' is both in train and in val"),
        (b"class,split\na,training\n", "line 2 of .* does not name a class and its split"),
        (b"class,split\n,train\n", "line 2 of"),
        (b"class,split\na\n", "line 2 of"),
        (b"class;split\na;train\n", "line 2 of"),
        (b"filename,label\nx.png,a\n", "or a folder of train.csv"),
        (b'class,split\n"' + b"a" * 200_000 + b'",train\n', "is not a CSV table"),
        (b"class,split\n\xe9t\xe9,train\n", "cannot be read as UTF-8"),
    ],
)
def test_a_bad_table(text: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes(text)
    with pytest.raises(UsageError, match=message) as error:
        read_split_list(tmp_path / "s.csv")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"train": ["a"], "train": ["b"], "val": ["c"], "test": ["d"]}', "each once"),
        ('{"train": ["a"], "val": ["c"], "test": ["d"], "novel": ["e"]}', "'novel' in .* none of"),
        ("[" * 100_000, "is not a split file"),
        ('["a"]', "is not a split file"),
        ('{"train": ["a"], "val": ["a"], "test": []}', "'a' is both in train and in val"),
        ('{"train": ["a", "e\\u0301", "\\u00e9"], "val": [], "test": []}', "twice: 'é'"),
    ],
)
def test_a_bad_json(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_split_list(tmp_path / "s.json")


def test_a_comment_in_json_is_none_of_the_splits(tmp_path: Path) -> None:
    text = json.dumps({"source": "us", "train": ["a"], "val": ["b"], "test": ["c"]})
    (tmp_path / "s.json").write_text(text, "utf-8-sig")  # as Windows writes
    assert [list(c) for c in read_split_list(tmp_path / "s.json").images.values()] == [
        ["a"],
        ["b"],
        ["c"],
    ]


def test_a_pipe_is_no_split_file(tmp_path: Path) -> None:
    """Reading one would wait for ever."""
    os.mkfifo(tmp_path / "s.json")
    with pytest.raises(UsageError, match="is not a split file"):
        read_split_list(tmp_path / "s.json")
