"""Rows whose cells come from several processes, break off, fail, or are sent late."""

import pickle
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from fewshot_bench.tracking import Tracker, rows, writer
from fewshot_bench.tracking.owed import deliver, send_owed
from fewshot_bench.tracking.store import TrackingError
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.rows import data_of, kind, of_kind, runs_of, small

STEPS = [
    *((rows, step) for step in ("log_params", "log_shares", "set_tags")),
    (writer, "log_inputs"),
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


def _send(uri: str, shot: int) -> None:
    Tracker(uri, study="s").send(small(n_shot=shot))


@pytest.mark.slow
def test_processes_that_send_at_once_make_one_row(uri: str) -> None:
    context = get_context("fork")
    senders = [context.Process(target=_send, args=(uri, shot)) for shot in (1, 2, 3, 5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert [sender.exitcode for sender in senders] == [0] * 4
    assert sorted(map(kind, runs_of(uri, "s"))) == [*["cell"] * 4, "row", "study"]
    (row,) = of_kind("row", uri, "s")
    assert {f"acc_{shot}shot" for shot in (1, 2, 3, 5)} <= row.data.metrics.keys()


def test_a_tracker_can_be_sent_to_another_process(uri: str) -> None:
    tracker = Tracker(uri, study="s")
    tracker.check()
    other = pickle.loads(pickle.dumps(tracker))
    assert other.place == tracker.place
    assert isinstance(other.client, MlflowClient)
