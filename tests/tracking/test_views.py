"""Where MLflow's pages have the table of an experiment."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import views
from fewshot_bench.tracking.views import VIEW_TAG, table_address, view_state

SERVER = "http://127.0.0.1:5000"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server answers, by question."""
    found: dict[str, Any] = {
        "experiments/search": {
            "experiments": [
                {"experiment_id": "0", "name": "Default"},
                {"experiment_id": "7", "name": "glyphs", "tags": [{"key": VIEW_TAG, "value": ""}]},
            ]
        },
        "runs/search": {"runs": [{"info": {"experiment_id": "7"}}]},
    }

    def asked(server: str, question: str, facts: Mapping[str, object]) -> Any:
        assert server == SERVER
        if isinstance(found[question], Exception):
            raise found[question]
        return found[question]

    monkeypatch.setattr(views, "_asked", asked)
    return found


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (None, "/#/experiments/7/runs?viewStateShareKey=fsbench&workflowType=machine_learning"),
        ("glyphs", "/#/experiments/7/runs?viewStateShareKey=fsbench&workflowType=machine_learning"),
        ("Default", "/#/experiments/0/runs?workflowType=machine_learning"),
    ],
)
def test_it_opens_on_an_experiment(name: str | None, path: str, answers: dict[str, Any]) -> None:
    assert table_address(SERVER, name) == SERVER + path


def test_an_unknown_experiment_names_the_nearest(answers: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no experiment 'glyph'; did you mean 'glyphs'"):
        table_address(SERVER, "glyph")


@pytest.mark.parametrize("answer", [{}, URLError("refused")])
def test_without_runs_or_an_answer_it_opens_on_the_front_page(
    answer: Any, answers: dict[str, Any]
) -> None:
    answers["runs/search"] = answer
    assert table_address(SERVER) == SERVER


def test_the_view_shows_rows_sorted_by_their_first_number() -> None:
    state = json.loads(view_state())
    assert state["searchFilter"] == "tags.`fsbench.kind` = 'row'"
    assert state["orderByKey"] == state["selectedColumns"][0] == "metrics.`acc_1shot`"
