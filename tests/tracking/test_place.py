"""Where runs belong: the names that stored stores have, and what a user may choose."""

import platform
from typing import Any

import pytest
from pydantic import ValidationError

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import log, models, notes, order, place, views
from fewshot_bench.tracking.experiments import EXPERIMENT_TAGS
from fewshot_bench.tracking.place import (
    Place,
    cell_tag,
    checked_name,
    checked_tags,
    home_id,
    tags_of,
)
from tests.tracking.records import make_record

CONFIG = make_record().config
# SHA-256 of the facts of the row and of whether it is tuned, as JSON with sorted keys; 16 digits.
ROW_ID, TUNED_ROW_ID = "0d884ca89800ca0e", "1e694baf1c249e56"


def test_names_of_tags_are_a_format() -> None:
    """Stores that are there have them."""
    assert (place.ROW, place.STUDY, place.KIND) == ("fsbench.row", "fsbench.study", "fsbench.kind")
    assert place.PARENT == "mlflow.parentRunId"
    assert order.ORDER == "fsbench.order"
    assert notes.NOTE == "mlflow.note.content"
    assert log.KEPT == {"fsbench.predictions": "kept"}
    assert (models.MODEL, models.LOADER) == ("model", "fewshot_bench.portable")
    assert (views.VIEW, views.VIEW_TAG) == ("fsbench", "mlflow.sharedViewState.fsbench")
    assert EXPERIMENT_TAGS["mlflow.experimentKind"] == "custom_model_development"
    assert cell_tag("abc") == "fsbench.cell.abc"


def test_the_id_of_a_row_is_a_format() -> None:
    """It is how a row that is there is found again."""
    assert Place().row_id(CONFIG) == ROW_ID
    assert Place(asked=CONFIG).row_id(CONFIG) == TUNED_ROW_ID


def test_a_row_is_of_what_its_cells_share() -> None:
    labels: dict[str, Any] = {
        "n_shot": 5,
        "recipe": {},
        "published": "x",
        "fitted": "y",
        "shared_classes": 3,
        "weights_name": "z",
    }
    facts = Place().row_facts(CONFIG)
    assert labels.keys().isdisjoint(facts)
    assert len(facts) == len(type(CONFIG).model_fields) - len(labels)
    assert (facts["settings"], facts["data_checksum"]) == ([], "d" * 64)
    for name, value in labels.items():
        other = CONFIG.model_copy(update={name: value})
        assert Place().row_id(other) == Place().row_id(CONFIG), name


def test_kinds_names_and_experiments() -> None:
    assert (Place().kind, Place(trial=True).kind) == ("cell", "trial")
    assert (Place().tuned, Place(asked=CONFIG).tuned) == (False, True)
    assert not Place().trial
    assert Place().experiment_of(CONFIG) == "cifar-fs"
    assert Place(study="s").experiment_of(CONFIG) == "s"
    assert Place(study="s", experiment="e").experiment_of(CONFIG) == "e"
    assert Place().name_of(CONFIG) == "ssl-meta conv4-64 1-shot"
    assert Place().row_name(CONFIG) == "ssl-meta conv4-64"
    asked = CONFIG.model_copy(update={"settings": ("a=1",)})
    tuned = Place(asked=asked, experiment="e")
    assert tuned.row_of(CONFIG) == asked
    assert tuned.row_name(CONFIG) == "ssl-meta conv4-64 cifar-fs, a=1, tuned on val"
    with pytest.raises(ValidationError):
        Place(unknown=1)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        tuned.trial = True  # type: ignore[misc]


def test_tags_of_a_row_say_what_it_has() -> None:
    key, own = CONFIG.key, Place(study="s", tags={"a": "b"})
    plain = {f"fsbench.cell.{key}": "r", "fsbench.row": Place().row_id(CONFIG)}
    assert Place().row_tags(CONFIG, "r") == plain
    answered = {f"fsbench.answers.{key}": "r", "fsbench.study": "s", "a": "b"}
    assert own.row_tags(CONFIG, "r", answered=True) == plain | answered


def test_a_home_is_told_by_machine_and_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = set()
    for node, home in (("a", "/x"), ("a", "/y"), ("b", "/x")):
        monkeypatch.setattr(platform, "node", lambda node=node: node)
        monkeypatch.setenv("FSBENCH_HOME", home)
        assert home_id() == home_id()
        ids.add(home_id())
    assert len(ids) == 3


def test_tags_have_a_limit() -> None:
    longest = {"k" * 250: "v" * 5000}
    assert checked_tags(longest) == longest
    for key, value in (("k" * 251, "v"), ("k", "v" * 5001), ("", "v"), (".k", "v")):
        with pytest.raises(UsageError, match="is no tag; use KEY=VALUE"):
            checked_tags({key: value})
    for key in ("fsbench.x", "mlflow.x"):
        with pytest.raises(UsageError, match=f"that begin .* are taken; rename '{key}'"):
            checked_tags({key: "v"})
    assert checked_tags({"fsbench": "v", "mlflow_x": "v"}) == {"fsbench": "v", "mlflow_x": "v"}
    with pytest.raises(UsageError, match=f"^'{'x' * 60}' is no tag"):
        tags_of(["x" * 61])
    with pytest.raises(UsageError, match=r"^'a\\x1b' is no tag"):
        tags_of(["a\x1b"])


def test_names_have_a_limit() -> None:
    assert checked_name(None, "a study") is None
    for name in ("x", "x" * 250, " a b "):
        assert checked_name(name, "a study") == name.strip()
    for name in ("", " ", "x" * 251, "a\x00"):
        with pytest.raises(UsageError, match="the name of a study has 1 to 250 characters"):
            checked_name(name, "a study")
