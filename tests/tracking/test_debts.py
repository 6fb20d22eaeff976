"""What is owed is kept in a file a measurement and place, and forgotten when it is sent."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.owed import (
    Debt,
    deliver,
    drop_owed,
    owed_elsewhere,
    owed_to,
    send_owed,
)
from fewshot_bench.tracking.place import Place
from fewshot_bench.tracking.store import TrackingError
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.rows import small

URI = "http://me:pw@h"
NAME = "http://***@h"
RECORD = small(method="héé")


class Tracker:
    """Stands for a tracker; what it sends is noted with its place."""

    uri = URI

    def __init__(self, place: Place | None = None, sent: list[Any] | None = None) -> None:
        self.place, self.sent = place or Place(), [] if sent is None else sent
        self.away = False

    def at(self, place: Place) -> "Tracker":
        return Tracker(place, self.sent)

    def send(self, record: RunRecord) -> None:
        if self.away:
            raise TrackingError("it is away")
        self.sent.append((self.place, record))


def owing(place: Place | None = None) -> Any:
    tracker = Tracker(place)
    tracker.away = True
    assert deliver(tracker, RECORD) is False  # type: ignore[arg-type]
    return tracker


def test_a_debt_is_a_file_of_its_store_measurement_and_place(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = Place(study="s")
    for place in (None, study, None):
        owing(place)
    folder = empty_home / "owed" / stable_hash(NAME)
    plain, other = f"{RECORD.id}.json", f"{RECORD.id}-{stable_hash(study.model_dump(mode='json'))}"
    assert {file.name for file in folder.iterdir()} == {plain, f"{other}.json"}
    kept = Debt.model_validate_json((folder / plain).read_text("utf-8"))
    assert (kept.store, kept.record, kept.place) == (NAME, RECORD, Place())
    assert kept.path == folder / plain
    hint = f"'fsbench sync --tracking-uri {NAME}' sends it"
    told = f"it is away\n{RECORD.config.title}: the result is kept here; {hint}\n"
    assert capsys.readouterr().err == told * 3
    with pytest.raises(ValidationError):
        kept.store = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Debt(store="x", record=RECORD, unknown=1)  # type: ignore[call-arg]


def test_what_is_sent_is_kept_while_it_is_sent(empty_home: Path) -> None:
    during: list[int] = []
    tracker: Any = Tracker()
    tracker.send = lambda _: during.append(len(owed_to(URI)))
    assert deliver(tracker, RECORD) is True
    assert (during, owed_to(URI)) == ([1], [])


def test_debts_are_sent_to_their_places_and_forgotten(empty_home: Path) -> None:
    for place in (None, Place(study="s")):
        owing(place)
    first, _ = owed_to(URI)
    os.utime(first, ns=(2**62, 2**62))  # the younger
    later: Any = Tracker()
    assert send_owed(later) == 2
    assert later.sent == [(Place(study="s"), RECORD), (Place(), RECORD)]
    assert owed_to(URI) == []
    assert send_owed(later) == 0


def test_damaged_debts_are_named_after_the_others_are_sent(empty_home: Path) -> None:
    owing(Place(study="s"))
    folder = empty_home / "owed" / stable_hash(NAME)
    short = RECORD.result.model_copy(update={"accuracies": (0.5,)})
    unsound = Debt(store=NAME, record=RECORD.model_copy(update={"result": short}))
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text(unsound.model_dump_json())
    for name in ("a.json", "b.json"):
        os.utime(folder / name, ns=(0, 0))
    (folder / ".c.json").write_text("a file that is being written")
    later: Any = Tracker()
    with pytest.raises(UsageError) as refused:
        send_owed(later)
    names = f"{folder / 'a.json'}, {folder / 'b.json'}"
    assert str(refused.value) == f"sent 1, but no result can be read in {names}"
    assert len(later.sent) == 1


def test_a_debt_that_another_process_paid_meanwhile_is_not_sent(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owing()

    class Lock:
        def __init__(self, key: str, title: str) -> None:
            assert (key, title) == (RECORD.config.key, RECORD.config.title)

        def __enter__(self) -> None:
            owed_to(URI)[0].unlink()

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("fewshot_bench.tracking.owed.cell_lock", Lock)
    later: Any = Tracker()
    assert (send_owed(later), later.sent) == (0, [])


def test_debts_to_others_are_counted_and_own_are_dropped(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert owed_elsewhere(URI) == {}
    for place in (None, Place(study="s")):
        owing(place)
    damaged = empty_home / "owed" / "x" / "y.json"
    damaged.parent.mkdir()
    damaged.write_text("{")
    assert owed_elsewhere(URI) == {f"nobody knows whom, in {damaged}": 1}
    assert owed_elsewhere("http://other") == {NAME: 2, f"nobody knows whom, in {damaged}": 1}
    both = owed_to(URI)
    both[0].unlink()
    monkeypatch.setattr("fewshot_bench.tracking.owed.owed_to", lambda _: both)
    assert drop_owed(URI) == 2  # another process took one
    assert not both[1].exists()
    assert damaged.exists()
