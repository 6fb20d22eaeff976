"""The engine of a cluster, with nodes that are folders of this machine: no Ray is needed."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
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
from fewshot_bench.runs.ray_task import Ended, Orders, do, prepare_node
from fewshot_bench.runs.receiving import Receiver
from fewshot_bench.runs.request import Request
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.utilities import threads
from fewshot_bench.utilities.crew import News, Task
from fewshot_bench.utilities.shared_store import SharedStore
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


class Silent:
    """In place of the handle of a Teller."""

    class tell:  # noqa: N801
        @staticmethod
        def remote(*_: object) -> None:
            """Nobody listens."""


class Folders:
    """In place of nodes: each task is done here, with a home of another folder than the last.

    Args:
        place: of the homes.
        orders: for all tasks.
        instead: what tasks end with, by their names, in place of being done.
    """

    def __init__(self, place: Path, orders: Orders, instead: dict[str, list[Ended]]) -> None:
        self.homes, self.orders = deque([place / "node-1", place / "node-2"]), orders
        self.instead, self.done = instead, list[str]()
        self._waiting: list[Task] = []

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def prepare(self, data: Any) -> None:
        for home in self.homes:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("FSBENCH_HOME", str(home))
                ended = prepare_node(self.orders, data)
            if ended.error:
                raise ended.error

    def begin(self, task: Task) -> None:
        self._waiting.append(task)

    def hear(self, _seconds: float) -> Iterator[tuple[Task, Ended]]:
        if not self._waiting:
            return
        task = self._waiting.pop(0)
        if self.instead.get(task.name):
            yield task, self.instead[task.name].pop()
            return
        self.homes.rotate()
        self.done.append(task.name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FSBENCH_HOME", str(self.homes[0]))
            ended = do(self.orders, task.name, task.what, task.cores, Silent())
        yield task, ended

    def told(self) -> Iterator[News]:
        yield from ()

    def stop(self) -> None:
        pass


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    """No store, number of threads and node of another test's."""
    before = torch.get_num_threads()
    yield
    fsspec.filesystem("memory").store.clear()
    ray_task._settled.cache_clear()
    threads._whole.clear()
    torch.set_num_threads(before)


@pytest.fixture
def plan(empty_home: Path) -> Plan:
    write_patterns(empty_home)
    return make_plan(ASKED)


class Cluster:
    """Carries a plan out, and remembers what of it was done.

    Args:
        place: for folders.
        uri: of MLflow's store.
    """

    def __init__(self, place: Path, uri: str) -> None:
        self.place, self.uri, self.instead = place, uri, dict[str, list[Ended]]()
        self.store = SharedStore("memory://cluster")
        self.orders = Orders(self.store.url, installed_code(), cores=1)
        self.store.prepare()

    def __call__(self, plan: Plan, **manner: bool) -> tuple[dict[str, Any], list[str]]:
        orders, asked = replace(self.orders, **manner), replace(CLUSTER, **manner)
        receiver = Receiver(Tracker(self.uri), CPU, self.store, **manner)
        nodes = Folders(self.place, orders, self.instead)
        driver, log = Driver(receiver, self.place / "log"), []
        for news in driver.receive(tasks_of(plan, range(len(plan.cells)), asked)):
            log.append(news)
        if driver.waiting:
            driver.send_ahead()
            log += driver.work(nodes)  # type: ignore[arg-type]
        return {news.task: news.value for news in log}, nodes.done


@pytest.fixture
def cluster(tmp_path: Path, uri: str) -> Cluster:
    return Cluster(tmp_path, uri)


def accuracies(became: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    return {name: record.result.accuracies for name, record in became.items() if record}


def test_what_nodes_measure_is_what_this_machine_does_and_is_logged_once(
    plan: Plan, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    became, done = cluster(plan)
    (shared,) = plan.shared
    assert done == [shared.name, "0", "1"] or done == [shared.name, "1", "0"]
    assert shared.done, "weights come home, too"
    assert len(load_runs(uri)) == 2
    again, nothing = cluster(plan)
    assert nothing == []
    assert accuracies(again) == accuracies(became)
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "alone"))
    write_patterns(tmp_path / "alone")
    alone = carry_out(ASKED, Tracker(f"sqlite:///{tmp_path}/alone.db"))
    assert accuracies(became) == {str(i): r.result.accuracies for i, r in enumerate(alone)}
    assert len(load_runs(uri)) == 2


def test_a_driver_that_lost_its_home_fetches_what_is_done(
    plan: Plan, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    became, _ = cluster(plan)
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "new"))
    again, done = cluster(plan)
    assert done == []
    assert accuracies(again) == accuracies(became)
    assert len(load_runs(uri)) == 2
    assert {r.weights.is_file() for r in again.values() if r and r.weights} == {True}


def test_what_fails_is_told_and_stops_nothing_else(plan: Plan, cluster: Cluster) -> None:
    cluster.instead["0"] = [Ended("failed", UsageError("NaN"), "Traceback: x")]
    cluster.instead["1"] = [Ended("stopped")]
    became, done = cluster(plan)
    assert str(became["0"]) == "NaN"
    assert (cluster.place / "log").read_text() == "Traceback: x"
    assert "1" in done, "a signal that was not ours costs a second try"
    assert became["1"].result.accuracies


def test_shared_work_that_fails_fails_what_needs_it(plan: Plan, cluster: Cluster) -> None:
    cluster.instead[plan.shared[0].name] = [Ended("failed", UsageError("no room"))]
    became, done = cluster(plan)
    assert done == []
    assert {str(error) for error in became.values()} == {"no room"}


def test_predictions_come_home_and_force_measures_again(
    plan: Plan, cluster: Cluster, uri: str
) -> None:
    one = plan.model_copy(update={"cells": plan.cells[:1]})
    first, _ = cluster(one)
    kept, done = cluster(one, keep_predictions=True)
    assert done == ["0"]
    (run,) = load_runs(uri)
    assert "predictions.parquet" in {f.path for f in MlflowClient(uri).list_artifacts(run.run_id)}
    forced, done = cluster(one, force=True)
    assert "0" in done
    assert accuracies(first) == accuracies(kept) == accuracies(forced)
    assert forced["0"].place > first["0"].place


def test_a_node_that_is_not_fit_is_named(plan: Plan, cluster: Cluster, tmp_path: Path) -> None:
    cluster.orders = replace(cluster.orders, code="other")
    with pytest.raises(UsageError, match=rf"node {os.uname().nodename}: its fewshot_bench, a"):
        cluster(plan)
    cluster.orders = replace(cluster.orders, code=installed_code())
    facts = tmp_path / "node-2" / "data" / "patterns" / "dataset.json"
    facts.parent.mkdir(parents=True)
    facts.write_text('{"checksum": "another"}')
    with pytest.raises(UsageError, match=r"node .*: .*patterns holds other data than those"):
        cluster(plan)
