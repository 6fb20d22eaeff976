"""Rows and studies in a store in memory: every tag, time and parameter that they get."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from fewshot_bench.results import milliseconds
from fewshot_bench.tracking import rows
from fewshot_bench.tracking.notes import row_note, study_note
from fewshot_bench.tracking.place import Place
from fewshot_bench.tracking.rows import Rows
from fewshot_bench.tracking.store import TrackingError
from tests.tracking.memory import Memory
from tests.tracking.rows import small

ROW, STUDY, KIND = "fsbench.row", "fsbench.study", "fsbench.kind"
PARENT, NOTE, SOURCE = "mlflow.parentRunId", "mlflow.note.content", "mlflow.source.name"
RECORD = small()
CONFIG = RECORD.config
Made = Callable[..., Rows]


@pytest.fixture
def store(tmp_path: Path, empty_home: Path) -> Any:
    return Memory(tmp_path / "artifacts")


@pytest.fixture
def at(store: Any) -> Made:
    return lambda **place: Rows(store, "http://h", "1", Place(**place))


def test_a_row_is_made_below_its_study_and_found_again(store: Any, at: Made) -> None:
    place = {"study": "s", "command": "fsbench study s", "tags": {"a": "b"}}
    assert [at(**place).opened(CONFIG, 5) for _ in range(2)] == ["run1", "run1"]
    study, row = (store.get_run(run) for run in store.runs)
    assert study.data.tags == {
        STUDY: "s",
        KIND: "study",
        "a": "b",
        SOURCE: "fsbench",
        NOTE: study_note("s", "fsbench study s"),
    }
    assert (study.info.status, study.info.run_name, study.info.start_time) == (
        "FINISHED",
        "s",
        None,
    )
    assert row.data.tags == {
        ROW: Place().row_id(CONFIG),
        KIND: "row",
        "a": "b",
        SOURCE: "fsbench",
        STUDY: "s",
        PARENT: study.info.run_id,
    }
    assert (row.info.status, row.info.start_time) == ("RUNNING", 5)
    assert row.info.run_name == "ssl-meta conv4-64 cifar-fs"
    assert row.data.params == {
        "method": "ssl-meta",
        "backbone": "conv4-64",
        "dataset": "cifar-fs",
        "n_way": "5",
        "n_query": "15",
        "query_balance": "balanced",
        "n_episodes": "50",
        "episode_seed": "0",
        "split": "test",
        "seed": "0",
        "preset": "default",
        "settings": "[]",
        "data_checksum": "d" * 64,
    }
    assert [run for run, _ in store.inputs] == [row.info.run_id]


def test_a_row_of_nobody_has_no_study(store: Any, at: Made) -> None:
    assert at().opened(CONFIG, 0) == "run0"
    assert store.tags("run0").keys() == {ROW, KIND, SOURCE}
    assert len(store.runs) == 1
    at(study="s").opened(CONFIG, 0)
    (study,) = (run for run in store.runs if store.tags(run)[KIND] == "study")
    assert NOTE not in store.tags(study)  # no command
    assert (store.tags("run0")[STUDY], store.tags("run0")[PARENT]) == ("s", study)


def test_a_filled_row_has_numbers_note_and_the_latest_end(store: Any, at: Made) -> None:
    assert at(study="s").fill(RECORD, 700) == at(study="s").fill(small(n_shot=5), 300)
    (row,) = (store.get_run(run) for run in store.runs if store.tags(run)[KIND] == "row")
    mean = pytest.approx(100 * RECORD.result.mean, abs=1e-6)
    assert row.data.metrics["acc_1shot"] == row.data.metrics["acc_5shot"] == mean
    assert row.info.start_time == milliseconds(RECORD.started)  # type: ignore[arg-type]
    assert (row.info.status, row.info.end_time) == ("FINISHED", 700)
    told = row.data.tags
    assert told[f"fsbench.cell.{CONFIG.key}"] == RECORD.id
    assert told[f"fsbench.cell.{small(n_shot=5).config.key}"] == small(n_shot=5).id
    assert (told["fsbench.setting"], told[STUDY]) == ("transductive", "s")
    assert told[NOTE] == row_note(CONFIG, row.data.metrics)
    study = store.get_run(told[PARENT])
    assert (study.info.status, study.info.end_time) == ("FINISHED", store.now)  # it goes on
    assert [run for run, _ in store.inputs] == [row.info.run_id] * 2  # described once more
    young = small(seed=1).model_copy(update={"started": None})
    filled = at().fill(young, 44)
    assert store.get_run(filled).info.start_time == 44


def test_numbers_that_cannot_be_written_are_an_error(
    store: Any, at: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MlflowException("disk full")

    monkeypatch.setattr(rows, "log_shares", full)
    with pytest.raises(MlflowException, match="disk full"):
        at().fill(RECORD, 1)


def test_a_row_that_others_keep_changing_is_left_after_five_attempts(
    store: Any, at: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def lose(_: Rows, row_id: str, *__: Any) -> bool:
        tried.append(row_id)
        store.delete_run(row_id)
        return False

    monkeypatch.setattr(Rows, "_filled", lose)
    with pytest.raises(TrackingError, match="other machines keep changing the row of ssl-meta"):
        at().fill(RECORD, 1)
    assert tried == [f"run{i}" for i in range(5)]
    monkeypatch.setattr(Rows, "_create", lambda *_: None)
    with pytest.raises(TrackingError, match=r"the row of .* was deleted; log it again"):
        at().opened(CONFIG, 1)


def test_a_description_is_written_until_it_is_true_five_times_at_most(
    store: Any, at: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, numbers = at().opened(CONFIG, 0), iter(range(99))
    monkeypatch.setattr(rows, "row_note", lambda *_: f"note {next(numbers)}")
    at()._tell(row, CONFIG)
    assert store.tags(row)[NOTE] == "note 4"
    monkeypatch.setattr(rows, "row_note", lambda *told: told[2] and str(told[2]))
    at(asked=CONFIG)._tell(row, CONFIG)
    assert store.tags(row)[NOTE] == "True"  # it is tuned
    assert next(numbers) == 5


def test_a_row_without_a_number_ends_with_its_cell(store: Any, at: Made) -> None:
    at().end(CONFIG, "FAILED")  # there is none
    row = at().opened(CONFIG, 0)
    at().end(CONFIG, "FAILED")
    assert store.get_run(row).info.status == "FAILED"
    at().end(CONFIG, "KILLED")
    assert store.get_run(row).info.status == "FAILED"


@pytest.mark.parametrize(
    ("there", "study", "taken", "left"),
    [
        ([], None, None, []),
        ([(5, None)], None, 0, [0]),
        ([(5, None), (4, None), (4, None)], None, 1, [1]),  # the oldest, then the first id
        ([(1, None), (None, None)], None, 1, [1]),  # nobody knows since when: the oldest
        ([(1, None), (2, "s")], None, 1, [1]),  # a row of some study will do
        ([(2, "t"), (1, "s")], None, 1, [0, 1]),  # no study gives its row away
        ([(1, None), (2, "s")], "s", 1, [1]),
        ([(1, "t"), (2, None)], "s", 1, [0, 1]),
        ([(1, "t")], "s", None, [0]),
        ([(2, "s"), (1, "s")], "s", 1, [1]),
    ],
)
def test_which_of_several_rows_is_taken(
    there: list[Any], study: str | None, taken: int | None, left: list[int], store: Any, at: Made
) -> None:
    made = [store.create_row(CONFIG, *facts) for facts in there]
    found = at(study=study)._found(CONFIG)
    assert (found and found.info.run_id) == (None if taken is None else made[taken])
    alive = [run for run in made if store.get_run(run).info.lifecycle_stage == "active"]
    assert alive == [made[place] for place in left]
    if study and taken is not None and there[taken][1] is None:
        assert store.tags(made[taken])[STUDY] == study
        assert PARENT in store.tags(made[taken])
