"""A later run counts as later, whatever the clocks of those that wrote them said."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_bench.report.cells import latest
from fewshot_bench.results import RunRecord, milliseconds
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.order import ORDER, order_of
from tests.tracking.records import log, make_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def measured(seconds: float, started: datetime, order: int | None = None) -> RunRecord:
    """A measurement of the one cell, told from others by how long it took."""
    record = make_record()
    times = {"started": started, "finished": started + timedelta(minutes=1), "order": order}
    result = record.result.model_copy(update={"episode_seconds": seconds})
    return record.model_copy(update={"result": result, **times})


def shown(uri: str) -> float:
    """Seconds an episode of the run that the table shows."""
    (seconds,) = latest(load_runs(uri))["ms_per_episode"]
    return float(seconds) / 1000


def test_the_order_decides_where_the_clock_was_set_back(uri: str) -> None:
    tracker = Tracker(uri)
    first = measured(1, NOW)
    tracker.send(first)
    with tracker.announced(first.config) as last:
        assert last == first.place == milliseconds(NOW)
    tracker.send(measured(2, NOW - timedelta(days=400), last + 1))
    assert shown(uri) == 2
    assert [run.ms_per_episode for run in load_runs(uri)] == [1000, 2000]


def test_what_is_sent_late_is_no_later_for_that(uri: str) -> None:
    tracker = Tracker(uri)
    tracker.send(measured(2, NOW, order=8))
    tracker.send(measured(1, NOW + timedelta(days=1), order=7))
    assert shown(uri) == 2


@pytest.mark.parametrize("absurd", ["", "x", "-5", "1e9", "٣", "9" * 30, str(2**70)])
def test_runs_without_an_order_count_by_their_start(absurd: str, uri: str) -> None:
    tracker = Tracker(uri)
    old = log(tracker, measured(1, NOW))
    if absurd:
        tracker.client.set_tag(old, ORDER, absurd)
    else:
        tracker.client.delete_tag(old, ORDER)
    with tracker.announced(make_record().config) as last:
        assert last == milliseconds(NOW)
    tracker.send(measured(2, NOW + timedelta(seconds=1)))
    assert shown(uri) == 2


def test_a_run_without_a_start_is_the_first() -> None:
    run: Any = SimpleNamespace(data=SimpleNamespace(tags={}), info=SimpleNamespace(start_time=None))
    assert order_of(run) == 0
