"""What there is to see of a cell stands in its row, too."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from fewshot_bench.results import CurvePoint
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.drawing import draw_curves
from tests.tracking.answers import keep_answers
from tests.tracking.rows import of_kind, small


def shown(uri: str, shot: int) -> set[str]:
    (row,) = of_kind("row", uri)
    found = MlflowClient(uri).list_artifacts(row.info.run_id, f"{shot}-shot")
    return {Path(file.path).name for file in found}


def test_a_row_shows_curves_and_answers_of_its_cells(uri: str, empty_home: Path) -> None:
    record, tracker = small(), Tracker(uri)
    points = [CurvePoint(name=n, step=s, value=1 / s) for n in ("a_loss", "b_acc") for s in (1, 2)]
    tracker.send(small(n_shot=5).model_copy(update={"curves": tuple(points)}))
    tracker.send(record)
    assert shown(uri, 5) == {"curves.png"}
    assert shown(uri, 1) == set()  # a point is no curve
    assert tracker.has(record)
    keep_answers(record)
    assert not tracker.has(record, predictions=True)
    tracker.send(record)
    assert tracker.has(record, predictions=True)
    assert shown(uri, 1) == {"accuracy_by_class.csv", "confusion.csv", "confusion.png"}


def test_answers_that_came_to_the_cell_alone_are_sent_to_the_row(
    uri: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, tracker = small(), Tracker(uri)
    keep_answers(record)
    with monkeypatch.context() as former:  # as an earlier version did
        former.setattr("fewshot_bench.tracking.rows.log_pictures", lambda *_: False)
        tracker.send(record)
    assert tracker.has(record)
    assert not tracker.has(record, predictions=True)
    tracker.send(record)
    assert tracker.has(record, predictions=True)


def test_curves_are_drawn_a_panel_each(tmp_path: Path) -> None:
    points = [CurvePoint(name=n, step=s, value=s) for n in ("x", "y_acc") for s in (3, 1, 2)]
    sizes = []
    for n in (3, 6):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            draw_curves(points[:n], "$a_b$ 猫", tmp_path / "curves.png")
        with Image.open(tmp_path / "curves.png") as image:
            assert np.asarray(image.convert("L")).std() > 0
            sizes.append(image.size)
    assert sizes[1] == (2 * sizes[0][0], sizes[0][1])
