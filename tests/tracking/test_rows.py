"""Rows and studies above the cells: MLflow's table is the paper's."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.experiments import EXPERIMENT_TAGS
from fewshot_bench.tracking.notes import NOTE
from fewshot_bench.tracking.place import PARENT
from tests.tracking.rows import data_of, kind, of_kind, old_cell, runs_of, small

STUDY = "it's mine"  # MLflow's filters have no escape for the quote


@pytest.fixture(scope="module")
def full(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a study of two methods, one of them tuned, each sent twice."""
    file = tmp_path_factory.mktemp("full") / "mlflow.db"
    shutil.copy(empty_store, file)
    study = Tracker(f"sqlite:///{file}", study=STUDY, command="fsbench study x", tags={"a": "b's"})
    asked = small(method="tim").config
    chosen = small(method="tim", settings=("lr=0.2",), recipe={"lr": 0.2})
    trial = chosen.model_copy(update={"config": chosen.config.model_copy(update={"split": "val"})})
    for _ in range(2):
        for shot in (1, 5):
            study.send(small(n_shot=shot))
        study.tuning(asked, trial=True).send(trial)
        study.tuning(asked).send(chosen)
    return study.uri


def test_a_row_has_the_numbers_of_its_cells_in_percent(full: str) -> None:
    record = small()
    (row,) = (r for r in of_kind("row", full, STUDY) if r.data.params["method"] == "ssl-meta")
    for name, share in (("acc", record.result.mean), ("ci95", record.result.ci95)):
        for shot in (1, 5):  # made-up accuracies are the same
            assert row.data.metrics[f"{name}_{shot}shot"] == pytest.approx(100 * share)
    assert row.info.status == "FINISHED"
    assert row.info.run_name == "ssl-meta conv4-64 cifar-fs"
    assert data_of(row) == ["cifar-fs"]
    note = row.data.tags[NOTE]
    assert f"| {100 * record.result.mean:.2f} ± {100 * record.result.ci95:.2f} |" in note
    assert "fsbench run --method ssl-meta --shots 1 --shots 5 --dataset cifar-fs" in note


def test_study_rows_cells_and_trials_are_one_tree(full: str) -> None:
    runs = {run.info.run_id: run for run in runs_of(full, STUDY)}
    above = {run.info.run_name: runs.get(run.data.tags.get(PARENT, "")) for run in runs.values()}
    names = {name: parent and parent.info.run_name for name, parent in above.items()}
    sib, tim = "ssl-meta conv4-64 cifar-fs", "tim conv4-64 cifar-fs, tuned on val"
    assert names == {
        STUDY: None,
        sib: STUDY,
        tim: STUDY,
        f"{sib} 1-shot": sib,
        f"{sib} 5-shot": sib,
        "tim conv4-64 cifar-fs 1-shot, lr=0.2": tim,
        "tim conv4-64 cifar-fs 1-shot, lr=0.2, on val": tim,
    }
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert {run.data.tags["a"] for run in runs.values()} == {"b's"}
    (study,) = of_kind("study", full, STUDY)
    assert "fsbench study x" in study.data.tags[NOTE]


def test_only_rows_have_what_a_table_sorts_by(full: str) -> None:
    starts = {
        kind(run): {name.partition("_")[0] for name in run.data.metrics if "acc_" in name}
        for run in runs_of(full, STUDY)
    }
    assert starts == {"study": set(), "row": {"acc"}, "cell": {"cell"}, "trial": {"val"}}


def test_a_table_of_fsbench_counts_cells_alone(full: str) -> None:
    found = load_runs(full)
    assert sorted((run.method, run.n_shot, run.split) for run in found) == [
        ("ssl-meta", 1, "test"),
        ("ssl-meta", 5, "test"),
        ("tim", 1, "test"),
        ("tim", 1, "val"),
    ]
    assert [run.mean for run in found] == pytest.approx([small().result.mean] * 4)


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ({"study": STUDY}, True),
        ({"experiment": STUDY}, True),  # a row of some study will do
        ({"experiment": STUDY, "tags": {"a": "b's"}}, True),
        ({"experiment": STUDY, "tags": {"a": "c"}}, False),
        ({"study": "another", "experiment": STUDY}, False),
        ({}, False),
    ],
)
def test_a_cell_is_known_where_its_number_is_in_its_row(
    place: dict[str, Any], known: bool, full: str
) -> None:
    tracker = Tracker(full, **place)
    assert tracker.has(small(n_shot=5)) is known  # as SQLite tells
    tracker.check()
    assert tracker.has(small(n_shot=5)) is known  # as MLflow does
    assert not tracker.has(small(n_shot=2))


def test_a_study_takes_the_row_of_a_plain_run_and_another_has_its_own(uri: str) -> None:
    for place in ({}, {"study": "a"}, {"study": "a"}, {"study": "b"}, {}):
        Tracker(uri, **{"experiment": "cifar-fs", **place}).send(small())  # type: ignore[arg-type]
    assert len(of_kind("study", uri)) == len(of_kind("row", uri)) == 2
    (cell,) = of_kind("cell", uri)
    (above,) = (r for r in of_kind("row", uri) if r.info.run_id == cell.data.tags[PARENT])
    assert above.data.tags["fsbench.study"] == "a"
    assert len({r.data.metrics["acc_1shot"] for r in of_kind("row", uri)}) == 1


def test_a_cell_of_an_earlier_version_is_read_and_put_below_a_row_when_asked_for(uri: str) -> None:
    record = small()
    run_id = old_cell(uri, record)
    (before,) = load_runs(uri)
    assert before.mean == record.result.mean
    tracker = Tracker(uri)
    assert not tracker.has(record)
    tracker.send(record)
    assert load_runs(uri) == [before]
    (cell,), (row,) = of_kind("cell", uri), of_kind("row", uri)
    assert (cell.info.run_id, cell.data.tags[PARENT]) == (run_id, row.info.run_id)
    assert row.data.metrics["acc_1shot"] == pytest.approx(100 * record.result.mean)
    experiment = tracker.client.get_experiment_by_name("cifar-fs")
    assert experiment is not None
    assert EXPERIMENT_TAGS.items() <= experiment.tags.items()
