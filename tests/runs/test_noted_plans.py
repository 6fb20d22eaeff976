"""What this machine remembers of requests: only as long as code and data stay as they are."""

import json
from pathlib import Path

import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.runs import noted_plans
from fewshot_bench.runs.cells import Cell, Choice, Plan, SharedWork
from fewshot_bench.runs.noted_plans import recall, remember
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.study import Study

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
        edited.setattr(noted_plans, "code_fingerprint", lambda: "edited")
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
