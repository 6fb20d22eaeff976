"""Results that this machine keeps: whole, sound, and the later one in place of the earlier."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.records import keep_record, next_order, record_path, stored_record
from fewshot_bench.results import milliseconds
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.owed import send_owed
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.records import make_record

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def unsound(**facts: object) -> str:
    """A record that says something else of a run, as JSON."""
    record = json.loads(make_record(n_episodes=3).model_dump_json())
    for name, value in facts.items():
        (record["result"] if name in record["result"] else record)[name] = value
    return json.dumps(record)


BAD = {
    "above": unsound(accuracies=[0.5, 1.5, 0.5]),
    "below": unsound(accuracies=[0.5, -0.1, 0.5]),
    "nan": unsound(accuracies=[0.5, float("nan"), 0.5]),
    "infinite": unsound(accuracies=[0.5, float("inf"), 0.5]),
    "text": unsound(accuracies=["high"] * 3),
    "fewer": unsound(accuracies=[0.5, 0.5]),
    "more": unsound(accuracies=[0.5] * 4),
    "none": unsound(accuracies=[]),
    "f1 above": unsound(macro_f1=[0.5, 1.5, 0.5]),
    "f1 fewer": unsound(macro_f1=[0.5]),
    "calibration": unsound(calibration_error=float("nan")),
    "setting": unsound(setting="<b>"),
    "seconds": unsound(seconds=-1.0),
    "training": unsound(train_seconds=float("inf")),
    "order": unsound(order=2**70),
    "of the system": unsound(checkpoint="/etc/hostname"),
    "of another place": unsound(checkpoint="/weights/../model.safetensors"),
    "out": unsound(checkpoint="/home/weights/../../etc/model.safetensors"),
    "short": unsound(checkpoint="model.safetensors"),
    "a link": unsound(checkpoint="/old/weights/linked/model.safetensors"),
    "deep": '{"config":' * 50_000,
    "half": unsound()[:400],
    "nothing": "",
    "list": "[]",
    "no text": "\udcff",
}


@pytest.mark.parametrize("bad", BAD)
def test_results_that_no_run_left_are_refused_in_one_line(bad: str, empty_home: Path) -> None:
    key = make_record(n_episodes=3).config.key
    (empty_home / "weights" / "linked").mkdir(parents=True)
    (empty_home / "weights" / "linked" / "model.safetensors").symlink_to("/etc/hostname")
    path = record_path(key)
    path.parent.mkdir()
    path.write_text(BAD[bad], "utf-8", "surrogateescape")
    with pytest.raises(UsageError, match=r"is damaged \(.*\); delete it and run again") as error:
        stored_record(key)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert next_order(key, NOW, 0) == milliseconds(NOW)  # --force measures it anew
    debt = empty_home / "owed" / stable_hash("http://x") / "y.json"
    debt.parent.mkdir(parents=True)
    debt.write_text(f'{{"store": "http://x", "record": {BAD[bad]}}}', "utf-8", "surrogateescape")
    with pytest.raises(UsageError, match="no result can be read in"):
        send_owed(Tracker("http://x"))
    assert debt.exists()


def test_a_home_that_was_moved_keeps_its_results_and_finds_its_weights(empty_home: Path) -> None:
    moved = make_record(Path("/old/home/weights/method-0123/model.safetensors"), n_episodes=3)
    keep_record(moved)
    record = stored_record(moved.config.key)
    assert record is not None
    assert record.weights == empty_home / "weights" / "method-0123" / "model.safetensors"


def test_a_record_is_later_than_what_is_kept_whatever_the_clock_says() -> None:
    old = make_record(n_episodes=3)  # of an earlier version: without an order
    assert old.order is None
    keep_record(old)
    early, late = NOW - timedelta(days=900), NOW + timedelta(days=900)
    assert next_order(old.config.key, early, 0) == old.place + 1
    assert next_order(old.config.key, late, 0) == milliseconds(late)
    assert next_order(old.config.key, early, milliseconds(late)) == milliseconds(late) + 1
    keep_record(old.model_copy(update={"order": 2**50}))
    assert next_order(old.config.key, late, 0) == 2**50 + 1
