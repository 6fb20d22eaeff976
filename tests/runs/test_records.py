"""What this machine remembers of requests: only as long as code and data stay as they are."""

import json
from pathlib import Path

import pytest

from fewshot_bench.runs import records
from fewshot_bench.runs.records import recall, remember
from fewshot_bench.runs.request import Request

REQUEST = Request(methods=("ssl-meta",))
SOURCES = {"key-1": "digest-1", "key-0": "digest-0"}


@pytest.fixture(autouse=True)
def stored(empty_home: Path) -> Path:
    """A data set of which only the record is there."""
    file = empty_home / "data" / "glyphs" / "dataset.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checksum": "first"}))
    return file


def test_a_request_is_remembered_in_order_and_told_from_others() -> None:
    assert recall(REQUEST) == {}
    remember(REQUEST, SOURCES)
    assert list(recall(REQUEST).items()) == list(SOURCES.items())
    for change in ({"seed": 1}, {"shots": (5,)}, {"settings": ("n_steps=1",)}, {"n_episodes": 7}):
        assert recall(REQUEST.model_copy(update=change)) == {}


def test_changed_images_and_changed_code_are_new_requests(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(REQUEST, SOURCES)
    with monkeypatch.context() as edited:
        edited.setattr(records, "code_fingerprint", lambda: "edited")
        assert recall(REQUEST) == {}
    stored.write_text(json.dumps({"checksum": "second"}))
    assert recall(REQUEST) == {}
    stored.unlink()
    assert recall(REQUEST) == {}


def test_both_data_sets_of_a_request_must_be_as_they_were(empty_home: Path) -> None:
    crossed = REQUEST.model_copy(update={"train_dataset": "omniglot"})
    remember(crossed, SOURCES)
    assert recall(crossed) == {}  # one of them is not here
    other = empty_home / "data" / "omniglot" / "dataset.json"
    other.parent.mkdir()
    other.write_text(json.dumps({"checksum": "first"}))
    remember(crossed, SOURCES)
    assert recall(crossed) == SOURCES
    assert recall(REQUEST) == {}
    other.write_text(json.dumps({"checksum": "second"}))
    assert recall(crossed) == {}


def test_a_sweep_is_not_remembered_and_damage_is_forgotten(empty_home: Path) -> None:
    sweep = REQUEST.model_copy(update={"tune": True})
    remember(sweep, SOURCES)
    assert recall(sweep) == {}
    remember(REQUEST, SOURCES)
    (note,) = (empty_home / "plans").glob("*.json")
    for text in ("", "[]", "{", "\x00"):
        note.write_text(text)
        assert recall(REQUEST) == {}
