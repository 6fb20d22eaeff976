"""Imports of folders in the tests, and what they say of themselves."""

from pathlib import Path
from typing import Any

from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.left_out import LEFT_OUT
from tests.data.files import image_tree

PLAIN = image_tree({"train": ["a", "b"], "val": ["c", "d"], "test": ["e", "f"]}, per_class=2)


def imported(path: Path, **options: Any) -> Dataset:
    """A folder or zip archive as a data set."""
    return import_dataset("folder", path, as_name="mine", **{"size": 8} | options)


def named_left_out(data: Dataset) -> dict[str, dict[str, int]]:
    """What was left out, by reason: number of files under each name."""
    record: Any = data.provenance[LEFT_OUT]
    return {reason: found["names"] for reason, found in record.items()}


def classes_of(data: Dataset) -> dict[str, tuple[str, ...]]:
    """Names of classes by split."""
    return {split: images.class_names for split, images in data.splits.items()}
