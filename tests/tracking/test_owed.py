"""Results that a store is owed."""

import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.owed import deliver, is_paid, owed_elsewhere, owed_to, send_owed
from fewshot_bench.tracking.place import Place
from fewshot_bench.tracking.store import TrackingError
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.records import make_record


def test_a_damaged_debt_is_named_and_the_others_are_sent(uri: str, empty_home: Path) -> None:
    away = "http://127.0.0.1:9"
    for seed in range(2):
        assert not deliver(Tracker(away), make_record(seed=seed))
    bad = empty_home / "owed" / "elsewhere" / "bad.json"
    bad.parent.mkdir()
    bad.write_text("{")
    assert owed_elsewhere(uri) == {away: 2, f"nobody knows whom, in {bad}": 1}
    (empty_home / "owed" / stable_hash(away)).rename(empty_home / "owed" / stable_hash(uri))
    (empty_home / "owed" / stable_hash(uri) / "bad.json").write_text("{")
    shown = CliRunner().invoke(app, ["table", "--tracking-uri", uri])
    assert "3 results are owed to" in shown.stderr
    with pytest.raises(UsageError, match=r"sent 2, but no result can be read in .*bad.json"):
        send_owed(Tracker(uri))
    assert len(load_runs(uri)) == 2
    assert [path.name for path in owed_to(uri)] == ["bad.json"]


def test_what_is_owed_to_a_wrong_address_is_dropped(
    uri: str, empty_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    away = "http://127.0.0.1:9"
    for store in (away, "http://127.0.0.1:10"):
        assert not deliver(Tracker(store), make_record())
    hint = f"'fsbench sync --tracking-uri {away}' sends it"
    assert hint in capfd.readouterr().err
    shown = CliRunner().invoke(app, ["sync", "--tracking-uri", uri])
    assert f"1 result owed to {away}; name it with --tracking-uri, and if that is" in shown.stdout
    done = CliRunner().invoke(app, ["sync", "--tracking-uri", away, "--drop"])
    assert done.exit_code == 0
    assert f"forgot that 1 result was owed to {away}" in done.stdout
    assert owed_to(away) == []
    assert owed_elsewhere(uri) == {"http://127.0.0.1:10": 1}
    again = CliRunner().invoke(app, ["sync", "--tracking-uri", away, "--drop"])
    assert f"nothing is owed to {away}" in again.stdout


class Shop:
    """Stands for the tracker of a store: takes what it is sent, or is away."""

    def __init__(self, uri: str, away: bool = False) -> None:
        self.uri, self.away, self.got = uri, away, list[RunRecord]()

        self.place = Place()

    def at(self, place: Place) -> "Shop":
        return self

    def send(self, record: RunRecord) -> None:
        if self.away:
            raise TrackingError("the store is away")
        self.got.append(record)


def test_a_debt_is_kept_until_it_is_paid(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away, there, other = (
        Shop("http://a.example", True),
        Shop("http://a.example"),
        Shop("http://b.example", True),
    )
    first, second = make_record(seed=0), make_record(seed=1)
    assert not deliver(away, second)  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert "the store is away" in said
    assert "'fsbench sync --tracking-uri http://a.example' sends it" in said
    for shop in (away, away, other):
        deliver(shop, first)  # type: ignore[arg-type]
    files = owed_to("http://a.example")
    assert [path.name for path in files] == [f"{second.id}.json", f"{first.id}.json"]
    os.utime(files[0], ns=(2**62, 2**62))
    assert owed_to("http://a.example") == files[::-1]
    assert owed_elsewhere("http://a.example") == {"http://b.example": 1}
    assert owed_elsewhere("http://b.example") == {"http://a.example": 2}
    with pytest.raises(TrackingError):
        send_owed(away)  # type: ignore[arg-type]
    assert send_owed(there) == 2  # type: ignore[arg-type]
    assert there.got == [first, second]
    assert send_owed(there) == 0  # type: ignore[arg-type]
    assert owed_to("http://a.example") == []
    assert deliver(there, second)  # type: ignore[arg-type]
    assert owed_to("http://a.example") == []
    assert len(owed_to("http://b.example")) == 1


class Killed(BaseException):
    """Stands for ``kill -9``."""


def kill_when_sent(tracker: Tracker, record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a result by a process that dies before it can strike the debt off."""

    def send(self: Tracker, record: RunRecord) -> None:
        real(self, record)
        raise Killed

    real = Tracker.send
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Tracker, "send", send)
        deliver(tracker, record)


@pytest.mark.parametrize("trial", [False, True])
@pytest.mark.parametrize("study", [None, "mine"])
def test_who_died_after_sending_leaves_no_debt(
    uri: str, monkeypatch: pytest.MonkeyPatch, study: str | None, trial: bool
) -> None:
    record = make_record()

    def tracker(command: str, **other: Any) -> Tracker:
        named = Tracker(uri, study=study, command=study and command, **other)
        return named.tuning(record.config, trial) if trial else named

    assert not is_paid(tracker("first"), record)
    kill_when_sent(tracker("first"), record, monkeypatch)
    assert len(owed_to(uri)) == 1
    assert not is_paid(tracker("first", tags={"wanted": "yes"}), record)
    assert len(owed_to(uri)) == 1
    assert is_paid(tracker("second"), record)
    assert owed_to(uri) == []


def test_predictions_that_are_not_sent_are_still_owed(
    uri: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record()
    kill_when_sent(Tracker(uri), record, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr("fewshot_bench.tracking.owed.has_predictions", lambda _: True)
        assert is_paid(Tracker(uri), record)
        assert len(owed_to(uri)) == 1
    assert is_paid(Tracker(uri), record)
    assert owed_to(uri) == []
