"""Accuracy by class and confusion, as files beside a run, read back with other means."""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.evaluation.predictions import writing_predictions
from fewshot_bench.results import Answers
from fewshot_bench.statistics.metrics import accuracy_by_class
from fewshot_bench.tracking.classes import write_class_files
from fewshot_bench.tracking.drawing import draw_confusion
from tests.tracking.records import make_record

pytestmark = pytest.mark.usefixtures("empty_home")
CONFIG = make_record().config
CLASSES = ("never", "cat", 'dog, "big"', "$x_1$", "猫")
# In two episodes of three ways: cat is right 3 of 4 times, dog 1 of 3, $x_1$ never of 1; 猫 is
# never asked for, but answered once.
LABELS = np.array([[0, 0, 1, 1], [0, 0, 1, 2]])
PREDICTIONS = np.array([[0, 0, 0, 2], [0, 1, 1, 0]])
EPISODES = np.array([[1, 2, 4], [1, 2, 3]])


def written(
    folder: Path, predictions: NDArray[np.int64] = PREDICTIONS
) -> dict[str, list[dict[str, str]]]:
    answers = Answers(
        predictions=predictions,
        query_labels=LABELS,
        query_indices=np.zeros_like(LABELS),
        classes=np.asarray(CLASSES)[EPISODES],
        probabilities=np.ones(LABELS.shape, dtype=np.float32),
    )
    with writing_predictions(CONFIG.key, CLASSES) as take:
        take(answers)
    write_class_files(CONFIG, folder)
    return {path.stem: list(lines(path)) for path in folder.glob("*.csv")}


def lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_accuracy_by_class_names_every_class_that_occurs(tmp_path: Path) -> None:
    found = {line["class"]: line for line in written(tmp_path)["accuracy_by_class"]}
    assert list(found) == ["cat", 'dog, "big"', "$x_1$", "猫"]
    told = [(line["queries"], line["episodes"], line["accuracy"]) for line in found.values()]
    assert told == [
        ("4", "2", "75.0"),
        ("3", "2", str(100 * (1 / 3))),
        ("1", "1", "0.0"),
        ("0", "0", ""),
    ]
    true, predicted = (np.take_along_axis(EPISODES, x, 1) for x in (LABELS, PREDICTIONS))
    expected = 100 * accuracy_by_class(true, predicted, len(CLASSES)).ci95
    assert float(found["cat"]["ci95"]) == pytest.approx(expected[1])
    assert found["$x_1$"]["ci95"] == ""  # one episode


def test_confusion_names_the_commonest_mistakes_first(tmp_path: Path) -> None:
    found = [tuple(line.values()) for line in written(tmp_path)["confusion"]]
    assert found[0] == ("$x_1$", "cat", "1", "100.0")
    assert {f[:3] for f in found[1:3]} == {
        ('dog, "big"', "cat", "1"),
        ('dog, "big"', "猫", "1"),
    }
    assert found[3] == ("cat", 'dog, "big"', "1", "25.0")
    assert [f[:2] for f in found[4:]] == [("cat", "cat"), ('dog, "big"', 'dog, "big"')]
    shares: dict[str, float] = {}
    for true, _, _, share in found:
        shares[true] = shares.get(true, 0) + float(share)
    assert list(shares.values()) == pytest.approx([100] * 3)


@pytest.mark.parametrize(
    "shares",
    [np.eye(2), np.full((3, 3), 1 / 3), np.full((70, 70), 1 / 70), np.zeros((2, 2))],
)
def test_a_picture_of_any_size_is_drawn_whatever_the_names(
    shares: NDArray[Any], tmp_path: Path
) -> None:
    names = [*CLASSES[2:], *map(str, range(70))][: len(shares)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_confusion(names, shares, "tim $x$ 1-shot", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as picture:
        assert min(picture.size) > 200


def test_a_mistake_shows_in_the_picture_where_it_belongs(tmp_path: Path) -> None:
    shares = np.array([[0.9, 0.0, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    dark = []
    for name, matrix in (("upper", shares), ("lower", shares.T)):
        draw_confusion(["a", "b", "c"], matrix, "", tmp_path / f"{name}.png")
        grey = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"), dtype=float)
        # Of the cell that is nearly black: far larger than the end of the scale, black too.
        rows, columns = np.nonzero(grey < 30)
        dark.append((np.median(rows), np.median(columns)))
    (upper, right), (lower, left) = dark
    assert upper < lower
    assert left < right


def test_the_columns_are_named(tmp_path: Path) -> None:
    found = {name: list(lines[0]) for name, lines in written(tmp_path).items()}
    assert found == {
        "accuracy_by_class": ["class", "queries", "episodes", "accuracy", "ci95"],
        "confusion": ["true_class", "predicted_class", "queries", "share"],
    }


def test_classes_that_are_never_mistaken_are_there(tmp_path: Path) -> None:
    found = written(tmp_path, LABELS)
    told = [(line["class"], line["queries"]) for line in found["accuracy_by_class"]]
    assert told == [("cat", "4"), ('dog, "big"', "3"), ("$x_1$", "1")]
    assert [line["share"] for line in found["confusion"]] == ["100.0"] * 3
