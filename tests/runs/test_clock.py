"""A run that is forced is the one that a table shows: clock set back, or killed on the way."""

import shutil
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from fewshot_bench.report.cells import latest
from fewshot_bench.results import RunRecord
from fewshot_bench.runs import domains, engine, runner
from fewshot_bench.runs.cells import Cell
from fewshot_bench.runs.engine import Engine
from fewshot_bench.tracking import Tracker, load_runs, writer
from fewshot_bench.tracking.owed import owed_to, send_owed
from fewshot_bench.tracking.store import store_name
from fewshot_bench.utilities.files import stable_hash
from tests.cells import CPU, config
from tests.synthetic import make_dataset

DAYS = [0]


class Clock(datetime):
    """One that is set back by some days."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        time = datetime.now(UTC) - timedelta(days=DAYS[0])
        return cls.fromtimestamp(time.timestamp(), tz)


@pytest.fixture(autouse=True)
def clock(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())
    for module in (runner, writer):
        monkeypatch.setattr(module, "datetime", Clock)


def measured(uri: str, days_back: int) -> RunRecord:
    DAYS[0] = days_back
    return Engine(Tracker(uri), CPU, force=True).measure_cell(Cell(config=config("proto-net")))


def shown(uri: str) -> float:
    """Milliseconds an episode of the run in the table, by which measurements differ."""
    (value,) = latest(load_runs(uri))["ms_per_episode"]
    return float(value)


def test_a_forced_run_is_later_for_the_table_and_on_disk(uri: str, empty_home: Path) -> None:
    first, second = measured(uri, 0), measured(uri, 400)
    assert first.started is not None
    assert second.started is not None
    assert second.started < first.started
    assert shown(uri) == pytest.approx(1000 * second.result.episode_seconds)
    shutil.rmtree(empty_home / "results")  # then the store alone knows
    third = measured(uri, 500)
    assert first.place < second.place < third.place
    assert shown(uri) == pytest.approx(1000 * third.result.episode_seconds)


def test_what_a_store_is_owed_keeps_its_order(uri: str, empty_home: Path) -> None:
    away = "http://127.0.0.1:9"
    measured(away, 0)
    second = measured(away, 400)
    folder = owed_to(away)[0].parent
    folder.rename(folder.with_name(stable_hash(store_name(uri))))
    for path in reversed(owed_to(uri)):
        path.touch()  # so that the later one is sent first
    assert send_owed(Tracker(uri)) == 2
    assert shown(uri) == pytest.approx(1000 * second.result.episode_seconds)


def test_a_forced_run_that_was_killed_before_it_was_sent_is_sent_by_the_next(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    measured(uri, 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "deliver", killed)
        measured(uri, 0)
    kept = Engine(Tracker(uri), CPU).measure_cell(Cell(config=config("proto-net")))
    assert len(load_runs(uri)) == 2
    assert shown(uri) == pytest.approx(1000 * kept.result.episode_seconds)
