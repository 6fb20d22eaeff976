"""Experiments of a store: made once, with our view, and searched by what can be quoted."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.experiments import experiment_id, runs_with
from fewshot_bench.tracking.views import VIEW_TAG, view_state
from tests.tracking.memory import Memory

TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.sharedViewState.fsbench": view_state(),
}
SERVER = "http://h"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = Memory(tmp_path)
    made.experiments.clear()
    return made


def test_an_experiment_is_made_once_with_our_view(store: Any, tmp_path: Path) -> None:
    assert experiment_id(store, SERVER, "a") == "1"
    assert experiment_id(store, f"sqlite:///{tmp_path / 'x.db'}", "b") == "2"
    assert experiment_id(store, SERVER, "a") == "1"
    first, second = store.experiments.values()
    assert (first.tags, first.artifact_location) == (TAGS, None)  # the server knows where
    assert second.artifact_location == (tmp_path / "mlartifacts").as_uri()


def test_one_of_an_earlier_version_gets_our_view_and_keeps_another(store: Any) -> None:
    store.create_experiment("old", None, {"a": "b"})
    assert experiment_id(store, SERVER, "old") == "1"
    assert store.experiments["1"].tags == {"a": "b", VIEW_TAG: view_state()}
    store.create_experiment("own", None, {VIEW_TAG: "theirs"})
    experiment_id(store, SERVER, "own")
    assert store.experiments["2"].tags == {VIEW_TAG: "theirs"}


def test_one_that_was_deleted_is_named(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create_experiment("a", None, {})
    store.experiments["1"].lifecycle_stage = "deleted"
    with pytest.raises(UsageError, match=r"'a' cannot be written; .* experiments restore -x 1'"):
        experiment_id(store, SERVER, "a")
    store.experiments.clear()

    def refuse(*_: Any) -> str:
        raise MlflowException("no")

    monkeypatch.setattr(store, "create_experiment", refuse)
    with pytest.raises(UsageError, match="experiments restore -x ID'"):
        experiment_id(store, SERVER, "a")


def test_one_that_another_process_made_meanwhile_is_taken(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.create_experiment

    def late(*arguments: Any) -> str:
        made(*arguments)
        raise MlflowException("it exists")

    monkeypatch.setattr(store, "create_experiment", late)
    assert experiment_id(store, SERVER, "a") == "1"


def test_runs_are_found_by_status_and_all_tags(store: Any) -> None:
    assert runs_with(store, "a", "FINISHED", {}) == []
    store.create_experiment("a", None, {})
    store.create_experiment("b", None, {})
    tags = {"x": "1", "fsbench.y": "it's mine"}
    for experiment, given in (("1", tags), ("1", {"x": "1"}), ("1", tags), ("2", tags)):
        store.create_run(experiment, 0, given, "")
    for run in ("run0", "run1", "run3"):
        store.set_terminated(run, "FINISHED")

    def found(status: str, **wanted: str) -> list[str]:
        wanted = {name.replace("_", "."): value for name, value in wanted.items()}
        return [run.info.run_id for run in runs_with(store, "a", status, wanted)]

    assert found("FINISHED", x="1") == ["run1", "run0"]
    assert found("FINISHED", x="1", fsbench_y="it's mine") == ["run0"]
    assert store.asked[-1] == "attributes.status = 'FINISHED' and tags.`x` = '1'"
    assert found("RUNNING", fsbench_y="it's mine") == ["run2"]
    assert store.asked[-1] == "attributes.status = 'RUNNING'"  # no escape for quotes
    assert found("FINISHED", x="2") == []
