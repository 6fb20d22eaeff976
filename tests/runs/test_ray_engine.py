"""The engine of a cluster, with nodes that are folders of this machine: no Ray is needed."""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import installed_code
from fewshot_bench.runs import ray_task
from fewshot_bench.runs.cells import Plan
from fewshot_bench.runs.driver import carry_out
from fewshot_bench.runs.local import Manner, tasks_of
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.ray_engine import Driver
from fewshot_bench.runs.ray_task import Ended, Orders
from fewshot_bench.runs.receiving import Receiver
from fewshot_bench.runs.request import Request
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.utilities import threads
from fewshot_bench.utilities.files import home
from fewshot_bench.utilities.shared_store import SharedStore
from tests.runs.folders import Folders
from tests.runs.patterns import write_patterns

CPU = torch.device("cpu")
ASKED = Request(
    methods=("simple-shot", "proto-net"),
    datasets=("patterns",),
    n_query=5,
    n_episodes=20,
    preset="smoke",
    settings=("pretrain.epochs=1", "pretrain.val_episodes=5"),
    by_method={"proto-net": {"settings": ("train.steps=4", "train.val_every=2")}},
)
CLUSTER = Manner(engine="ray", store="memory://")


class Cluster:
    """A cluster of folders, with the home and the stores of whoever asks.

    Args:
        place: of all of them.
    """

    def __init__(self, place: Path) -> None:
        self.place, self.instead = place, dict[str, list[Ended]]()
        self.uri = f"sqlite:///{place}/mlflow.db"
        self.store = SharedStore(f"file://{place}/store")
        self.orders = Orders(self.store.url, installed_code(), cores=1)

    def __call__(self, plan: Plan, **manner: Any) -> tuple[dict[str, Any], list[str]]:
        """Carry a plan out; return what became of each task, and the names of those done."""
        self.store.prepare()
        orders, asked = replace(self.orders, **manner), replace(CLUSTER, **manner)
        receiver = Receiver(Tracker(self.uri), CPU, self.store, **manner)
        nodes = Folders(self.place, orders, self.instead)
        driver = Driver(receiver, self.place / "log")
        happened = list(driver.receive(tasks_of(plan, range(len(plan.cells)), asked)))
        if driver.waiting:
            driver.send_ahead()
            happened += driver.work(nodes)  # type: ignore[arg-type]
        return {news.task: news.value for news in happened}, nodes.done


@dataclass(frozen=True)
class Done:
    """A plan that was carried out: where, what became of it, and in which order it was done."""

    place: Path
    plan: Plan
    became: dict[str, Any]
    order: list[str]


@pytest.fixture(autouse=True)
def undisturbed() -> Iterator[None]:
    """Leave no node, and no number of threads, to other tests."""
    before = torch.get_num_threads()
    yield
    ray_task._settled.cache_clear()
    threads._whole.clear()
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Done:
    place = tmp_path_factory.mktemp("cluster")
    shutil.copy(empty_store, place / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(place / "home"))
        write_patterns(place / "home")
        plan = make_plan(ASKED)
        return Done(place, plan, *Cluster(place)(plan))


@pytest.fixture
def cluster(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A copy of the one where all is done, so that anything may be done to it."""
    shutil.copytree(done.place, tmp_path / "copy")
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "copy" / "home"))
    return Cluster(tmp_path / "copy")


def accuracies(became: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    return {name: record.result.accuracies for name, record in became.items() if record}


def test_nodes_measure_what_this_machine_does(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    (shared,) = done.plan.shared
    assert done.order[0] == shared.name
    assert sorted(done.order[1:]) == ["0", "1"]
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "home"))
    write_patterns(tmp_path / "home")
    alone = carry_out(ASKED, Tracker(uri))
    assert accuracies(done.became) == {str(i): r.result.accuracies for i, r in enumerate(alone)}


def test_what_is_done_is_not_done_again_and_logged_once(done: Done, cluster: Cluster) -> None:
    became, order = cluster(done.plan)
    assert order == []
    assert accuracies(became) == accuracies(done.became)
    assert len(load_runs(cluster.uri)) == 2


def test_who_lost_a_home_fetches_results_and_weights(done: Done, cluster: Cluster) -> None:
    shutil.rmtree(home())
    became, order = cluster(done.plan)
    assert order == []
    assert accuracies(became) == accuracies(done.became)
    assert len(load_runs(cluster.uri)) == 2
    assert [r.weights.is_file() for r in became.values() if r and r.weights] == [True, True]


def test_what_fails_is_told_and_stops_nothing_else(done: Done, cluster: Cluster) -> None:
    for results in (home() / "results").iterdir(), (cluster.place / "store/index").glob("results*"):
        for file in results:
            file.unlink()
    cluster.instead["0"] = [Ended("failed", UsageError("NaN"), "Traceback: x")]
    cluster.instead["1"] = [Ended("stopped")]
    became, order = cluster(done.plan)
    assert str(became["0"]) == "NaN"
    assert (cluster.place / "log").read_text() == "Traceback: x"
    assert order == ["1"], "a signal that was not ours costs a second try"
    assert became["1"].result.accuracies == done.became["1"].result.accuracies


def test_shared_work_that_fails_fails_what_needs_it(done: Done, tmp_path: Path, uri: str) -> None:
    cluster = Cluster(tmp_path)
    cluster.uri = uri
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(tmp_path / "home"))
        write_patterns(tmp_path / "home")
        cluster.instead[done.plan.shared[0].name] = [Ended("failed", UsageError("no room"))]
        became, order = cluster(done.plan)
    assert order == []
    assert {str(error) for error in became.values()} == {"no room"}


def test_predictions_come_home_and_force_measures_again(done: Done, cluster: Cluster) -> None:
    one = done.plan.model_copy(update={"cells": done.plan.cells[:1]})
    kept, order = cluster(one, keep_predictions=True)
    assert order == ["0"]
    runs = {run.method: run.run_id for run in load_runs(cluster.uri)}
    files = MlflowClient(cluster.uri).list_artifacts(runs[one.cells[0].config.method])
    assert "predictions.parquet" in {file.path for file in files}
    forced, order = cluster(one, force=True)
    assert "0" in order
    assert accuracies(kept) == accuracies(forced) == {"0": done.became["0"].result.accuracies}
    assert forced["0"].place > kept["0"].place


def test_a_node_that_is_not_fit_is_named(done: Done, cluster: Cluster) -> None:
    shutil.rmtree(home() / "results")
    shutil.rmtree(cluster.place / "store")
    cluster.orders = replace(cluster.orders, code="other")
    with pytest.raises(UsageError, match=rf"node {platform.node()}: its fewshot_bench, a plugin"):
        cluster(done.plan)
    cluster.orders = replace(cluster.orders, code=installed_code())
    facts = cluster.place / "node-2" / "data" / "patterns" / "dataset.json"
    facts.write_text('{"checksum": "another"}')
    with pytest.raises(UsageError, match=r"node .*: .*patterns holds other data than those"):
        cluster(done.plan)
