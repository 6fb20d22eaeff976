"""A tracker that writes to a store in memory: every tag of a cell, and which run is taken."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import milliseconds
from fewshot_bench.tracking import Tracker, writer
from fewshot_bench.tracking.notes import cell_note
from fewshot_bench.tracking.place import Place, home_id
from fewshot_bench.tracking.store import TrackingError
from tests.tracking.answers import keep_answers
from tests.tracking.memory import Memory
from tests.tracking.rows import small

PARENT, KIND = "mlflow.parentRunId", "fsbench.kind"
RECORD = small()
CONFIG = RECORD.config
CODE = CodeVersion("0.3", "c" * 40, True)


@pytest.fixture
def store(tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(writer, "code_version", lambda: CODE)
    return Memory(tmp_path / "artifacts")


def tracking(store: Any, **place: Any) -> Tracker:
    tracker = Tracker("http://h", **place)
    tracker._connection = store
    return tracker


def of_kind(store: Any, kind: str) -> list[Any]:
    runs = [store.get_run(run) for run in store.runs]
    return [run for run in runs if run.data.tags[KIND] == kind]


def test_a_cell_has_all_that_is_known_of_it(store: Any) -> None:
    tracking(store, tags={"a": "b"}).send(RECORD)
    (cell,), (row,) = of_kind(store, "cell"), of_kind(store, "row")
    assert cell.data.tags == {
        "a": "b",
        "fsbench.key": CONFIG.key,
        "fsbench.data_checksum": "d" * 64,
        "fsbench.home": home_id(),
        "mlflow.source.name": "fsbench run",
        "mlflow.note.content": cell_note(CONFIG),
        "fsbench.kind": "cell",
        PARENT: row.info.run_id,
        "fsbench.version": "0.3+cccccccccccc.dirty",
        "mlflow.source.git.commit": "c" * 40,
        "fsbench.dirty": "true",
        "fsbench.record": RECORD.id,
        "fsbench.order": str(RECORD.place),
        "fsbench.setting": "transductive",
        "fsbench.episode_digest": "e" * 64,
        "fsbench.device": "cpu",
        "fsbench.version.torch": "2.13.0",
    }
    info = cell.info
    assert (info.status, info.run_name) == ("FINISHED", "ssl-meta conv4-64 1-shot")
    begun, ended = (datetime(2026, 1, day, tzinfo=UTC) for day in (2, 3))
    assert (info.start_time, info.end_time) == (milliseconds(begun), milliseconds(ended))
    params = cell.data.params
    assert (params["recipe.lr"], params["n_shot"], params["n_query_way"]) == ("0.1", "1", "null")
    assert store.experiments["1"].name == "cifar-fs"
    names = {"accuracies.parquet", "config.json", "result.json"}
    assert {*store.list_artifacts(info.run_id)} == names
    assert (row.info.end_time, row.info.status) == (milliseconds(ended), "FINISHED")


def test_the_code_that_measured_counts_and_now_where_no_time_is_known(store: Any) -> None:
    other, before = CodeVersion("0.1", None, False), datetime.now(UTC)
    none = {"started": None, "finished": None, "code": other}
    tracking(store).send(RECORD.model_copy(update=none))
    (cell,) = of_kind(store, "cell")
    assert cell.data.tags["fsbench.version"] == "0.1"
    assert milliseconds(before) <= cell.info.start_time <= cell.info.end_time
    assert cell.info.end_time <= milliseconds(datetime.now(UTC))


def test_of_runs_that_dead_processes_left_one_is_taken_over(store: Any) -> None:
    tracker = tracking(store)
    for _ in range(3):
        tracker._create(CONFIG, datetime(2026, 1, 1, tzinfo=UTC))
    foreign = store.create_run("1", 0, {**store.tags("run1"), "fsbench.home": "x"}, "")
    with tracker.announced(CONFIG):
        status = [run.info.status for run in of_kind(store, "cell")]
        assert sorted(status) == ["KILLED", "KILLED", "RUNNING", "RUNNING"]
    tracker.send(RECORD)
    status = [run.info.status for run in of_kind(store, "cell")]
    assert sorted(status) == ["FINISHED", "KILLED", "KILLED", "RUNNING"]
    assert store.get_run(foreign.info.run_id).info.status == "RUNNING"


def test_what_runs_is_announced_with_the_largest_order(store: Any) -> None:
    tracker = tracking(store)
    with tracker.announced(CONFIG) as last:
        assert last == 0
        (cell,), (row,) = of_kind(store, "cell"), of_kind(store, "row")
        assert cell.info.status == row.info.status == "RUNNING"
        assert cell.info.start_time == pytest.approx(datetime.now(UTC).timestamp() * 1000, abs=6e4)
    for order in (7, 9, 8):
        result = RECORD.result.model_copy(update={"seconds": float(order)})
        tracker.send(RECORD.model_copy(update={"order": order, "result": result}))
    with tracker.announced(CONFIG) as last:
        assert last == 9
    assert len(of_kind(store, "cell")) == 4


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_what_breaks_off_ends_with_its_row(
    error: type[BaseException], status: str, store: Any
) -> None:
    with pytest.raises(error), tracking(store).announced(CONFIG):
        raise error
    assert [run.info.status for run in map(store.get_run, store.runs)] == [status, status]


def test_a_store_that_cannot_be_used_stops_no_run(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "search_runs", lambda *_: 1 / 0)
    with tracking(store).announced(CONFIG) as last:
        assert last == 0
    with pytest.raises(KeyError), tracking(store).announced(CONFIG):
        raise KeyError
    assert store.runs == {}
    with pytest.raises(TrackingError, match="division by zero"):
        tracking(store).send(RECORD)


def packed(store: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What pack each run is written with, of a cell and a trial."""
    packs: list[Any] = []

    def note(*told: Any) -> None:
        packs.append(told[4])
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "60"
        store.set_terminated(told[1], "FINISHED", told[3])

    monkeypatch.setattr(writer, "write_run", note)
    tracker = tracking(store, pack=len, experiment="e", command="c", tags={"a": "b"})
    tracker.send(RECORD)
    tracker.tuning(CONFIG).send(RECORD)
    tracker.tuning(CONFIG, trial=True).send(RECORD)
    return packs


def test_a_trial_is_a_run_without_a_model_whose_row_has_no_number_of_it(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packed(store, monkeypatch) == [len, len, None]
    (trial,) = of_kind(store, "trial")
    tuned = store.get_run(trial.data.tags[PARENT])
    assert tuned.data.tags["fsbench.row"] == Place(asked=CONFIG).row_id(CONFIG)
    assert store.get_experiment_by_name("e").experiment_id == trial.info.experiment_id


def test_a_trial_is_known_though_its_row_has_no_number(store: Any) -> None:
    trials = tracking(store).tuning(CONFIG, trial=True)
    assert not trials.has(RECORD)
    trials.send(RECORD)
    (row,) = of_kind(store, "row")
    assert (row.data.metrics, row.info.status) == ({}, "RUNNING")
    assert trials.has(RECORD)
    assert not tracking(store).has(RECORD)


def test_a_tracker_elsewhere_shares_the_connection(store: Any) -> None:
    tracker = tracking(store, pack=len, study=" s ", command="c", tags={"a": "b"})
    assert tracker.place == Place(study="s", command="c", tags={"a": "b"})
    asked = tracker.tuning(CONFIG)
    assert asked.place == Place(study="s", command="c", tags={"a": "b"}, asked=CONFIG)
    assert tracker.tuning(CONFIG, trial=True).place.trial
    assert (asked.uri, asked.client) == ("http://h", store)
    assert asked._pack is tracker._pack is not None
    assert tracker.__getstate__() == {
        "uri": "http://h",
        "place": tracker.place,
        "_pack": len,
        "_connection": None,
    }


def test_a_connection_is_made_when_it_is_needed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def connect(uri: str) -> object:
        asked.append(uri)
        return object()

    monkeypatch.setattr(writer, "connect", connect)
    tracker = Tracker("http://h")
    assert asked == []
    tracker.check()
    assert tracker.client is tracker.client
    assert asked == ["http://h"]


def test_what_comes_later_is_added_to_a_run_that_is_there(store: Any) -> None:
    tracking(store).send(RECORD)
    (cell,) = of_kind(store, "cell")
    run_id = cell.info.run_id
    assert tracking(store).has(RECORD)
    assert not tracking(store).has(RECORD, predictions=True)
    keep_answers(RECORD)
    tracking(store, tags={"a": "b"}).send(RECORD)
    assert tracking(store, tags={"a": "b"}).has(RECORD, predictions=True)
    assert not tracking(store, tags={"a": "c"}).has(RECORD)
    assert "predictions.parquet" in store.list_artifacts(run_id)
    files, (row,) = len(store.list_artifacts(run_id)), of_kind(store, "row")
    assert (store.tags(run_id)["a"], files) == ("b", 7)
    store.delete_run(row.info.run_id)  # as another machine does that merged it
    tracking(store).send(RECORD)
    new = store.tags(run_id)[PARENT]
    assert new != row.info.run_id
    assert store.get_run(new).info.status == "FINISHED"
    early = store.runs[run_id].data.tags
    del early[PARENT], early[KIND]
    tracking(store).send(RECORD)
    assert (early[PARENT], early[KIND]) == (new, "cell")
    assert len(of_kind(store, "cell")) == 1


def test_predictions_that_are_there_are_not_written_again(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_answers(RECORD)
    tracking(store).send(RECORD)
    monkeypatch.setattr(writer, "log_predictions", lambda *_: 1 / 0)
    tracking(store).send(RECORD)
