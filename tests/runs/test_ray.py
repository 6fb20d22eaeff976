"""A study on a Ray cluster whose node, worker and driver are killed: as if nothing had happened.

``pytest -m cluster tests/runs/test_ray.py -s`` prints what was killed, and when.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import free_port, fsbench, start
from tests.runs.outcomes import assert_same, statuses
from tests.runs.patterns import write_patterns
from tests.runs.ray_nodes import Found, cluster, until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra ray"),
]
STUDY = """
methods = ["simple-shot", "tim", "proto-net", "ssl-meta"]
datasets = "patterns"
shots = [1, 3]
preset = "smoke"
n_query = 5
n_episodes = 60
settings = { pretrain.epochs = 3, pretrain.val_episodes = 20 }

[method.proto-net]
settings = { train.steps = 40, train.val_every = 10 }

[method.ssl-meta]
settings = { train.steps = 40, train.val_every = 10 }
"""
N_CELLS = 8
PATIENCE = 300.0


def prepared(folder: Path) -> Path:
    """A folder with the study and its data in it, and nothing measured."""
    write_patterns(folder / "home")
    (folder / "kills.toml").write_text(STUDY)
    return folder


def finished(folder: Path) -> int:
    return len(list((folder / "home" / "results").glob("[!.]*.json")))


def accuracies(folder: Path) -> dict[str, list[float]]:
    """Of every result, by its key."""
    files = (folder / "home" / "results").glob("[!.]*.json")
    return {file.stem: json.loads(file.read_text())["result"]["accuracies"] for file in files}


def test_a_node_a_worker_and_the_driver_may_be_killed(tmp_path: Path) -> None:
    alone, driver = prepared(tmp_path / "alone"), prepared(tmp_path / "driver")
    done = fsbench(alone, "study", "kills.toml")
    assert done.returncode == 0, done.stderr
    port, store = free_port(), tmp_path / "store"
    command = ["study", "kills.toml", "--engine", "ray", "--address", f"127.0.0.1:{port}"]
    command += ["--store", f"file://{store}"]
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s: {what}, {finished(driver)} results", flush=True)

    with cluster(tmp_path, port) as add:
        head, second = add("head"), add("second")
        tell("two nodes are there")
        process = start(driver, *command)

        def during(happened: Callable[[], Found]) -> Found:
            """Wait for something that happens before the driver has ended."""
            return until(happened, PATIENCE, process)

        during(lambda: second.workers("patterns"))
        tell("killing the second node")
        second.kill()
        busy = during(lambda: head.workers("shot"))
        tell("killing a worker of the first")
        os.kill(busy[0], signal.SIGKILL)
        during(lambda: finished(driver) >= 3)
        tell("killing the driver")
        process.kill()
        _, said = process.communicate()
        print(said)
        n_before = finished(driver)
        assert n_before < N_CELLS, "it was killed too late"
        add("third")
        tell("a third node is there")
        last = fsbench(driver, *command)
        print(last.stderr)
        tell("the same command has ended")
        assert last.returncode == 0, last.stderr
        nothing = fsbench(driver, *command)
        assert nothing.stderr.count("has been run") == N_CELLS, nothing.stderr
        assert head.process.poll() is None
    assert_same(driver, alone)
    assert accuracies(driver) == accuracies(alone)
    assert len(accuracies(driver)) == N_CELLS
    assert Counter(statuses(driver)) == {"FINISHED": N_CELLS}
    print("cells:", N_CELLS, "MLflow:", dict(Counter(statuses(driver))))
