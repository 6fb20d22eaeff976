"""Several runs for the same thing become one, and nothing of them is lost."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric

from fewshot_bench.tracking.merging import is_deleted, merge
from tests.tracking.memory import Memory

PARENT = "mlflow.parentRunId"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = Memory(tmp_path / "artifacts")
    for tags in ({"both": "kept", "mlflow.user": "me"}, {"both": "other", "own": "1"}, {"x": "2"}):
        made.create_run("1", 0, tags, "")
    return made


def all_of(store: Any) -> None:
    merge(store, store.get_run("run0"), [store.get_run("run1"), store.get_run("run2")])


def test_tags_of_all_are_there_and_those_of_the_kept_stay(store: Any) -> None:
    store.set_tag("run1", "mlflow.source.name", "x")  # MLflow's own are not handed over
    all_of(store)
    tags = store.get_run("run0").data.tags
    assert tags == {"both": "kept", "mlflow.user": "me", "own": "1", "x": "2"}
    assert [is_deleted(store, f"run{i}") for i in range(3)] == [False, True, True]


def test_points_of_all_are_there(store: Any) -> None:
    for run, name, value in (
        ("run0", "a", 1),
        ("run1", "a", 2),
        ("run1", "b", 3),
        ("run2", "c", 4),
    ):
        store.log_batch(run, [Metric(name, value, value, 0), Metric(name, value + 0.5, value, 0)])
    all_of(store)
    points = {name: store.get_metric_history("run0", name) for name in "abc"}
    values = {name: [point.value for point in points[name]] for name in points}
    assert values == {"a": [1, 1.5, 2, 2.5], "b": [3, 3.5], "c": [4, 4.5]}
    assert store.get_run("run0").data.metrics == {"a": 2.5, "b": 3.5, "c": 4.5}


def test_what_was_below_any_is_below_the_kept(store: Any) -> None:
    for above in ("run0", "run1", "run2", "another"):
        store.create_run("1", 0, {PARENT: above}, "")
    all_of(store)
    parents = [store.get_run(f"run{i}").data.tags[PARENT] for i in range(3, 7)]
    assert parents == ["run0", "run0", "run0", "another"]


def test_files_of_all_are_there(store: Any, tmp_path: Path) -> None:
    for run, place in (("run1", "1-shot"), ("run2", "5-shot")):
        (tmp_path / run).mkdir()
        (tmp_path / run / "x.png").write_text(run)
        store.log_artifacts(run, str(tmp_path / run), place)
    all_of(store)
    assert store.list_artifacts("run0") == ["1-shot", "5-shot"]
    assert (tmp_path / "artifacts" / "run0" / "5-shot" / "x.png").read_text() == "run2"
