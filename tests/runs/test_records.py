"""What this machine remembers of requests: only as long as code and data stay as they are."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.results import milliseconds
from fewshot_bench.runs import records
from fewshot_bench.runs.cells import Cell, Choice, Plan, SharedWork
from fewshot_bench.runs.records import (
    keep_record,
    next_order,
    recall,
    record_path,
    remember,
    stored_record,
)
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.study import Study
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.owed import send_owed
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.records import make_record

NOW = datetime(2026, 11, 27, tzinfo=UTC)
REQUEST = Request(methods=("ssl-meta",))
CONFIG = RunConfig(
    method="ssl-meta",
    backbone="conv4-64",
    dataset="glyphs",
    recipe={"train": None, "rates": [0.1]},
    data_checksum="first",
)
CHOICE = Choice(settings=("n_steps=1",), trial=CONFIG, config=CONFIG)
PLAN = Plan(
    cells=(Cell(config=CONFIG, choices=(CHOICE,), needs=("backbone-1",)),),
    shared=(SharedWork(name="backbone-1", title="pretraining", config=CONFIG),),
    sources={"key-1": "digest-1"},
    left_out=("maml needs images",),
)


@pytest.fixture(autouse=True)
def stored(empty_home: Path) -> Path:
    """A data set of which only the record is there."""
    file = empty_home / "data" / "glyphs" / "dataset.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checksum": "first"}))
    return file


def test_a_plan_is_remembered_whole_and_told_from_others() -> None:
    assert recall(REQUEST) is None
    remember(REQUEST, PLAN)
    assert recall(REQUEST) == PLAN
    for change in ({"seeds": (1,)}, {"shots": (5,)}, {"settings": ("n_steps=1",)}, {"tune": True}):
        assert recall(REQUEST.model_copy(update=change)) is None


def test_the_name_of_a_study_does_not_matter() -> None:
    remember(Study(name="mine", methods=("ssl-meta",)), PLAN)
    assert recall(Study(name="renamed", summary="new", methods=("ssl-meta",))) == PLAN
    assert recall(REQUEST) == PLAN


def test_changed_images_and_changed_code_are_new_requests(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(REQUEST, PLAN)
    with monkeypatch.context() as edited:
        edited.setattr(records, "code_fingerprint", lambda: "edited")
        assert recall(REQUEST) is None
    stored.write_text(json.dumps({"checksum": "second"}))
    assert recall(REQUEST) is None
    stored.unlink()
    assert recall(REQUEST) is None


def test_all_data_sets_of_a_request_must_be_as_they_were(empty_home: Path) -> None:
    crossed = REQUEST.model_copy(update={"train_dataset": "omniglot"})
    both = REQUEST.model_copy(update={"datasets": ("glyphs", "omniglot")})
    remember(crossed, PLAN)
    assert recall(crossed) is None  # one of them is not here
    other = empty_home / "data" / "omniglot" / "dataset.json"
    other.parent.mkdir()
    other.write_text(json.dumps({"checksum": "first"}))
    for request in (crossed, both):
        remember(request, PLAN)
        assert recall(request) == PLAN
    assert recall(REQUEST) is None
    other.write_text(json.dumps({"checksum": "second"}))
    assert recall(crossed) is None
    assert recall(both) is None


def test_given_weights_are_not_remembered_and_damage_is_forgotten(empty_home: Path) -> None:
    given = REQUEST.model_copy(update={"weights": Path("mine.pt")})
    remember(given, PLAN)
    assert recall(given) is None
    remember(REQUEST, PLAN)
    (note,) = (empty_home / "plans").glob("*.json")
    for text in ("", "[]", "{", "\x00", "[" * 100_000, '{"key": 5}', '{"key": ["x"]}'):
        note.write_text(text)
        assert recall(REQUEST) is None


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
