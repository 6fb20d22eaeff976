"""What runs left behind: in their home, and in their store."""

import json
import platform
from pathlib import Path
from typing import Any

import torch
from mlflow import MlflowClient

from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.utilities.tensors import load_tensors


def statuses(folder: Path, uri: str | None = None) -> list[str]:
    """Status of every cell in the store, oldest first."""
    client = MlflowClient(uri or f"sqlite:///{folder / 'mlflow.db'}")
    numbers = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(
        numbers, "tags.`fsbench.key` != ''", order_by=["attributes.start_time ASC"]
    )
    return [run.info.status for run in runs]


def outcome(folder: Path) -> tuple[dict[str, Any], list[Any]]:
    """All finished weights by their key, and the accuracies of every result."""
    home = folder / "home"
    weights = {p.parent.name: load_tensors(p)[0] for p in home.glob("weights/*/model.safetensors")}
    records = [json.loads(p.read_text()) for p in sorted(home.glob("results/*.json"))]
    return weights, [(r["result"]["accuracies"], r["curves"]) for r in records]


def assert_same(folder: Path, other: Path) -> None:
    """Fail unless both folders hold the same weights, curves and accuracies, to the bit."""
    (weights, results), (expected, expected_results) = outcome(folder), outcome(other)
    assert weights.keys() == expected.keys()
    for key, tensors in expected.items():
        assert all(torch.equal(weights[key][name], value) for name, value in tensors.items()), key
    assert results == expected_results


def logged(folder: Path, uri: str) -> list[dict[str, Any]]:
    """All that a store holds of the runs of a folder's home, but for what takes other times."""
    client = MlflowClient(uri.replace("///mlflow", f"///{folder}/mlflow"))
    numbers = [e.experiment_id for e in client.search_experiments()]
    mine = f"tags.`fsbench.home` = '{home_id(folder / 'home')}'"
    found = client.search_runs(numbers, mine)
    return sorted((_logged(client, run) for run in found), key=lambda run: str(run["key"]))


def home_id(home: Path) -> str:
    """How a store knows the home of a run."""
    return stable_hash([platform.node(), str(home.resolve())])


def _logged(client: MlflowClient, run: Any) -> dict[str, Any]:
    """What a store holds of a run."""
    run_id = run.info.run_id
    timeless = [name for name in run.data.metrics if name.startswith("acc") or "_val" in name]
    points = {
        name: sorted((p.step, p.value) for p in client.get_metric_history(run_id, name))
        for name in run.data.metrics
    }
    return {
        "key": run.data.tags["fsbench.key"],
        "status": run.info.status,
        "params": run.data.params,
        "values": {name: points[name] for name in timeless},
        "steps": {name: [step for step, _ in found] for name, found in points.items()},
        "artifacts": sorted(file.path for file in client.list_artifacts(run_id)),
    }
