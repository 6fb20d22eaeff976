"""Rows and studies that several machines made, put together in a store in memory."""

from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.results import RunRecord
from fewshot_bench.tracking import rows
from fewshot_bench.tracking.log import log_shares
from fewshot_bench.tracking.place import Place
from fewshot_bench.tracking.rows import Rows
from tests.tracking.memory import Memory
from tests.tracking.rows import small

STUDY, KIND = "fsbench.study", "fsbench.kind"
PARENT, NOTE = "mlflow.parentRunId", "mlflow.note.content"
RECORD = small()
CONFIG = RECORD.config


@pytest.fixture
def store(tmp_path: Path, empty_home: Path) -> Any:
    return Memory(tmp_path / "artifacts")


def at(store: Any, **place: Any) -> Rows:
    return Rows(store, "http://h", "1", Place(**place))


def test_a_merged_row_is_finished_if_any_was_at_the_latest_end(store: Any) -> None:
    made = [store.create_row(CONFIG, start) for start in range(5)]
    for run, status, end in (
        (made[1], "FINISHED", 40),
        (made[2], "FINISHED", 70),
        (made[3], "FAILED", 90),
        (made[4], "FINISHED", None),
    ):
        store.set_terminated(run, status, end)
    store.runs[made[4]].info.end_time = None
    at(store)._found(CONFIG)
    kept = store.get_run(made[0])
    assert (kept.info.status, kept.info.end_time) == ("FINISHED", 70)
    assert kept.data.params["method"] == "ssl-meta"
    assert [run for run, _ in store.inputs] == [made[0]]
    assert kept.data.tags[NOTE].startswith("Accuracy in %")


def test_times_begin_with_nothing(store: Any) -> None:
    row = at(store).fill(RECORD, 0)
    assert store.get_run(row).info.end_time == 0


def test_a_merged_row_runs_if_none_was_finished(store: Any) -> None:
    made = [store.create_row(CONFIG, start) for start in range(2)]
    at(store)._found(CONFIG)
    assert store.get_run(made[0]).info.status == "RUNNING"
    assert NOTE not in store.tags(made[0])


def studies(store: Any) -> dict[str, str]:
    """Studies that are not deleted, by id."""
    found = (store.get_run(run) for run in store.runs)
    return {
        run.info.run_id: run.data.tags[STUDY]
        for run in found
        if run.data.tags.get(KIND) == "study" and run.info.lifecycle_stage == "active"
    }


def test_two_studies_of_one_name_become_one(store: Any) -> None:
    for start, name in ((3, "s"), (2, "s"), (1, "t"), (4, "s")):
        store.create_run("1", start, {STUDY: name, KIND: "study"}, name)
    row = at(store, study="s").opened(CONFIG, 0)
    assert studies(store) == {"run1": "s", "run2": "t"}
    assert store.tags(row)[PARENT] == "run1"
    at(store, study="u").opened(CONFIG, 0)
    assert sorted(studies(store).values()) == ["s", "t", "u"]


def test_a_row_whose_study_was_merged_meanwhile_comes_below_the_one_that_stays(
    store: Any,
) -> None:
    place = {"study": "s"}
    row = at(store, **place).opened(CONFIG, 0)
    gone = store.tags(row)[PARENT]
    store.delete_run(gone)
    assert at(store, **place).fill(RECORD, 5) == row
    (study,) = studies(store)
    assert store.tags(row)[PARENT] == study != gone
    store.delete_run(study)
    ended = store.get_run(study).info.end_time
    at(store).fill(RECORD, 6)  # of no study: nobody knows which
    assert store.tags(row)[PARENT] == study
    assert (store.get_run(study).info.end_time, studies(store)) == (ended, {})


def test_a_row_that_is_deleted_while_it_is_filled_is_filled_anew(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[str] = []

    def delete(client: Any, row: str, record: RunRecord) -> None:
        if not deleted:
            deleted.append(row)
            client.delete_run(row)
        log_shares(client, row, record)

    monkeypatch.setattr(rows, "log_shares", delete)
    filled = at(store).fill(RECORD, 5)
    assert [filled] != deleted
    assert "acc_1shot" in store.get_run(filled).data.metrics


def test_a_finished_row_is_not_described_again(store: Any) -> None:
    at(store).fill(RECORD, 5)
    told = len(store.inputs)
    at(store).fill(RECORD, 6)
    assert len(store.inputs) == told
    at(store).fill(small(n_shot=5), 6)
    assert len(store.inputs) == told


def test_a_row_is_filled_under_a_lock_of_the_home(store: Any, empty_home: Path) -> None:
    at(store, study="s").opened(CONFIG, 0)
    names = [path.name for path in (empty_home / "locks").iterdir()]
    assert len(names) == 2  # of row and study
    assert all(name.startswith("row-") and name.endswith(".lock") for name in names)
    at(store, study="s").opened(CONFIG, 0)
    assert len([*(empty_home / "locks").iterdir()]) == 2
