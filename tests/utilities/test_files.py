"""Files and folders that are whole or absent; hashes of facts."""

from pathlib import Path

import pytest

from fewshot_bench.utilities.files import atomic_file, atomic_folder, stable_hash


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with pytest.raises(RuntimeError), atomic_file(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_file(target) as partial:
        partial.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_whole_or_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for content in ("first", "second"):
        with atomic_folder(target) as partial:
            (partial / "file").write_text(content)
    with pytest.raises(RuntimeError), atomic_folder(target) as partial:
        (partial / "file").write_text("third")
        raise RuntimeError
    assert (target / "file").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_hashes_do_not_depend_on_the_order_of_keys() -> None:
    assert stable_hash({"a": 1, "b": [2, 3]}) == stable_hash({"b": [2, 3], "a": 1})
    assert stable_hash({"a": 1}) != stable_hash({"a": 2})
