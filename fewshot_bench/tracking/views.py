"""How MLflow's pages show an experiment: its rows as the paper's table, and where that is."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.tracking.place import KIND

VIEW = "fsbench"  # name of the view
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"  # of an experiment
SHOWN = ("acc_1shot", "ci95_1shot", "acc_5shot", "ci95_5shot")
_TRAINING = "workflowType=machine_learning"  # pages of runs, not of chats and traces
PATIENCE = 60.0  # seconds for an answer of a server on this machine
MOST_EXPERIMENTS = 1000


def view_state() -> str:
    """Rows alone, the best first, with their numbers; in the words of MLflow's pages."""
    columns = [f"metrics.`{name}`" for name in SHOWN]
    state = {
        "searchFilter": f"tags.`{KIND}` = 'row'",
        "orderByKey": columns[0],
        "orderByAsc": False,
        "selectedColumns": columns,
    }
    return json.dumps(state)


def table_address(server: str, name: str | None = None) -> str:
    """Return the address of an experiment's table on a server of MLflow.

    Args:
        server: its address.
        name: of the experiment; None: that of the newest run; without any, or if the server
            cannot tell, `server`.

    Raises:
        UsageError: there is no experiment of that name.
    """
    try:
        found = _asked(server, "experiments/search", {"max_results": MOST_EXPERIMENTS})
        experiments = {each["experiment_id"]: each for each in found.get("experiments", [])}
        chosen = _named(experiments, name) if name else _newest(server, [*experiments])
    except (OSError, ValueError):  # its own pages say what is wrong
        chosen = None
    if chosen is None:
        return server
    tags = {tag["key"] for tag in experiments[chosen].get("tags", [])}
    view = f"viewStateShareKey={VIEW}&" if VIEW_TAG in tags else ""
    return f"{server}/#/experiments/{chosen}/runs?{view}{_TRAINING}"


def _named(experiments: Mapping[str, Mapping[str, Any]], name: str) -> str:
    ids = {each["name"]: number for number, each in experiments.items()}
    if name not in ids:
        raise UsageError(f"the store has no experiment '{name}'; {suggestion(name, ids)}")
    return ids[name]


def _newest(server: str, experiments: list[str]) -> str | None:
    """Return the experiment of the run that was begun last, if there is one."""
    asked = {
        "experiment_ids": experiments,
        "order_by": ["attributes.start_time DESC"],
        "max_results": 1,
    }
    runs = _asked(server, "runs/search", asked).get("runs", [])
    return str(runs[0]["info"]["experiment_id"]) if runs else None


def _asked(server: str, question: str, facts: Mapping[str, object]) -> dict[str, Any]:
    """Ask a server of this machine, past any proxy."""
    request = Request(
        f"{server}/api/2.0/mlflow/{question}",
        json.dumps(facts).encode(),
        {"Content-Type": "application/json"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
