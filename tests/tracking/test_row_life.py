"""Rows whose cells come from several processes, break off, fail, or are sent late."""

import os
import pickle
from contextlib import nullcontext
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from fewshot_bench.tracking import Tracker, load_runs, log, rows, sending
from fewshot_bench.tracking.notes import NOTE, row_note
from fewshot_bench.tracking.owed import deliver, send_owed
from fewshot_bench.tracking.place import PARENT
from fewshot_bench.tracking.rows import Rows
from fewshot_bench.tracking.store import TrackingError
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.rows import data_of, kind, of_kind, runs_of, small

STEPS = [
    *((rows, step) for step in ("log_params", "log_shares", "set_tags")),
    (sending, "log_inputs"),
]


@pytest.mark.parametrize(("module", "step"), STEPS)
def test_a_sending_that_broke_off_leaves_no_second_row(
    module: Any, step: str, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = getattr(module, step)

    def do_and_break(*arguments: Any) -> None:
        done(*arguments)
        raise ConnectionError("gone")

    tracker = Tracker(uri, study="s")
    with monkeypatch.context() as broken:
        broken.setattr(module, step, do_and_break)
        with pytest.raises(TrackingError, match="gone"):
            tracker.send(small())
    assert not tracker.has(small())
    tracker.send(small())
    assert tracker.has(small())
    kinds = sorted(map(kind, runs_of(uri, "s")))
    assert kinds == ["cell", "row", "study"]
    (row,) = of_kind("row", uri, "s")
    assert row.data.params["method"] == "ssl-meta"
    assert (row.info.status, data_of(row)) == ("FINISHED", ["cifar-fs"])


def test_a_cell_that_fails_ends_its_row_unless_that_has_a_number(uri: str) -> None:
    tracker = Tracker(uri)
    for status in ("FAILED", "FINISHED"):
        with pytest.raises(RuntimeError), tracker.announced(small(n_shot=5).config):
            raise RuntimeError
        assert [row.info.status for row in of_kind("row", uri)] == [status]
        tracker.send(small())


def test_of_two_measurements_the_later_in_order_is_in_the_row(uri: str) -> None:
    first, second = small().model_copy(update={"order": 8}), small()
    better = second.result.model_copy(update={"accuracies": (1.0,) * 50})
    Tracker(uri).send(second.model_copy(update={"order": 9, "result": better}))
    Tracker(uri).send(first)  # late
    (row,) = of_kind("row", uri)
    assert row.data.metrics["acc_1shot"] == 100


def test_what_is_owed_comes_to_its_place(uri: str, empty_home: Path) -> None:
    away = "http://127.0.0.1:9"
    for place in ({}, {"study": "s", "tags": {"x": "y"}}):
        assert not deliver(Tracker(away, **place), small())  # type: ignore[arg-type]
    (empty_home / "owed" / stable_hash(away)).rename(empty_home / "owed" / stable_hash(uri))
    assert send_owed(Tracker(uri)) == 2
    assert sorted(map(kind, runs_of(uri, "s"))) == ["cell", "row", "study"]
    assert sorted(map(kind, runs_of(uri))) == ["cell", "row"]
    assert of_kind("row", uri, "s")[0].data.tags["x"] == "y"


def _send(uri: str, home: str, shot: int) -> None:
    os.environ["FSBENCH_HOME"] = home
    Tracker(uri, study="s").send(small(n_shot=shot))


def require_one_row(uri: str, shots: tuple[int, ...]) -> None:
    """One study, below it one row that has everything, below that all cells."""
    assert sorted(map(kind, runs_of(uri, "s"))) == [*["cell"] * len(shots), "row", "study"]
    (row,), (study,) = of_kind("row", uri, "s"), of_kind("study", uri, "s")
    assert (row.data.tags[PARENT], row.info.status) == (study.info.run_id, "FINISHED")
    assert {run.data.tags[PARENT] for run in of_kind("cell", uri, "s")} == {row.info.run_id}
    for shot in shots:
        assert f"acc_{shot}shot" in row.data.metrics
        assert f"{shot}-shot" in row.data.tags[NOTE]
        assert Tracker(uri, study="s").has(small(n_shot=shot))
    assert len(load_runs(uri)) == len(shots)


@pytest.mark.slow
@pytest.mark.parametrize("homes", ["one", "each"])
def test_processes_that_send_at_once_make_one_row(homes: str, uri: str, tmp_path: Path) -> None:
    context, shots = get_context("fork"), (1, 2, 3, 5)
    places = [str(tmp_path / (homes if homes == "one" else str(shot))) for shot in shots]
    sent = [context.Process(target=_send, args=(uri, *x)) for x in zip(places, shots, strict=True)]
    for sender in sent:
        sender.start()
    for sender in sent:
        sender.join()
    assert [sender.exitcode for sender in sent] == [0] * 4
    require_one_row(uri, shots)


# What another machine does before or after a step of this one; whether its row is the older.
@pytest.mark.parametrize(
    ("module", "step", "call", "earlier"),
    [
        (Rows, "_create", "before", True),
        (Rows, "_create", "after", True),
        (Rows, "_create", "after", False),
        (Rows, "_begin", "before", False),
        (Rows, "_begin", "after", True),
        (rows, "log_shares", "before", True),
        (sending, "log_artifacts", "before", True),
    ],
)
def test_two_machines_at_once_make_one_row(
    module: Any, step: str, call: str, earlier: bool, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = getattr(module, step)
    done: list[str] = []

    def interleaved(*arguments: Any) -> Any:
        theirs = None if done else interrupt
        done.append(step)
        if theirs and call == "before":
            theirs()
        value = own(*arguments)
        if theirs and call == "after":
            theirs()
        return value

    def interrupt() -> None:
        other = small(n_shot=5)
        time = other.started and other.started + timedelta(days=-1 if earlier else 1)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(rows, "FileLock", nullcontext)
            Tracker(uri, study="s").send(other.model_copy(update={"started": time}))

    monkeypatch.setattr(module, step, interleaved)
    Tracker(uri, study="s").send(small())
    assert done
    require_one_row(uri, (1, 5))


def test_a_tracker_can_be_sent_to_another_process(uri: str) -> None:
    tracker = Tracker(uri, study="s")
    tracker.check()
    other = pickle.loads(pickle.dumps(tracker))
    assert other.place == tracker.place
    assert isinstance(other.client, MlflowClient)


def test_a_description_that_another_machine_wrote_too_early_is_written_again(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = row_note
    late = iter([True])

    def interrupted(*arguments: Any) -> str:
        note = described(*arguments)
        if next(late, False):  # between its reading and its writing another machine sends
            Tracker(uri).send(small(n_shot=5))
        return note

    monkeypatch.setattr(rows, "row_note", interrupted)
    monkeypatch.setattr(Rows, "_lock", lambda *_: nullcontext())  # that of another home
    Tracker(uri).send(small(n_shot=1))
    (row,) = of_kind("row", uri)
    assert "1-shot" in row.data.tags[NOTE]
    assert "5-shot" in row.data.tags[NOTE]


def test_data_that_another_machine_noted_at_once_are_noted_again() -> None:
    tried: list[str] = []

    class Client:
        def log_inputs(self, run_id: str, inputs: object) -> None:
            tried.append(run_id)
            if len(tried) < 3:
                raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: inputs")
            if run_id == "full":
                raise MlflowException("disk full")

    log.log_inputs(Client(), "run", small().config)  # type: ignore[arg-type]
    assert len(tried) == 3
    with pytest.raises(MlflowException, match="disk full"):
        log.log_inputs(Client(), "full", small().config)  # type: ignore[arg-type]
    assert len(tried) == 4
