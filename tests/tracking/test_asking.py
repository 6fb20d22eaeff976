"""What a server of MLflow is asked for the address of a table."""

import io
import json
from typing import Any
from urllib.request import ProxyHandler, Request

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import views
from fewshot_bench.tracking.views import table_address, view_state

RUNS = "/runs?workflowType=machine_learning"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, dict[str, str], float]]:
    """The questions: address, facts, headers and patience; answers are of two experiments."""
    questions: list[tuple[str, Any, dict[str, str], float]] = []
    answers = {
        "experiments/search": {
            "experiments": [
                {"experiment_id": "3", "name": "a", "tags": [{"key": "x"}]},
                {"experiment_id": "4", "name": "b"},
            ]
        },
        "runs/search": {"runs": [{"info": {"experiment_id": 4}}, {"info": {"experiment_id": 3}}]},
    }

    class Opener:
        def open(self, request: Request, timeout: float) -> io.BytesIO:
            assert isinstance(request.data, bytes)
            facts = json.loads(request.data)
            questions.append((request.full_url, facts, dict(request.header_items()), timeout))
            return io.BytesIO(
                json.dumps(answers["/".join(request.full_url.split("/")[-2:])]).encode()
            )

    def build(handler: ProxyHandler) -> Opener:
        assert handler.proxies == {}  # type: ignore[attr-defined]
        return Opener()

    monkeypatch.setattr(views, "build_opener", build)
    return questions


def test_the_newest_run_is_asked_for(asked: list[Any]) -> None:
    assert table_address("http://h") == f"http://h/#/experiments/4{RUNS}"
    headers = {"Content-type": "application/json"}
    newest = {
        "experiment_ids": ["3", "4"],
        "order_by": ["attributes.start_time DESC"],
        "max_results": 1,
    }
    assert asked == [
        ("http://h/api/2.0/mlflow/experiments/search", {"max_results": 1000}, headers, 60),
        ("http://h/api/2.0/mlflow/runs/search", newest, headers, 60),
    ]


def test_a_name_is_looked_up(asked: list[Any]) -> None:
    assert table_address("http://h", "a") == f"http://h/#/experiments/3{RUNS}"
    assert len(asked) == 1
    with pytest.raises(UsageError, match=r"^the store has no experiment 'c'; "):
        table_address("http://h", "c")


def test_the_view_is_in_the_words_of_mlflows_pages() -> None:
    columns = [
        f"metrics.`{name}`" for name in ("acc_1shot", "ci95_1shot", "acc_5shot", "ci95_5shot")
    ]
    assert json.loads(view_state()) == {
        "searchFilter": "tags.`fsbench.kind` = 'row'",
        "orderByKey": "metrics.`acc_1shot`",
        "orderByAsc": False,
        "selectedColumns": columns,
    }
