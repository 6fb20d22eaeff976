"""Real processes, killed, interrupted and started together: nothing is lost, nothing done twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from fewshot_bench.checkpoint import load_tensors

FSBENCH = [sys.executable, "-c", "from fewshot_bench.cli import main; main()"]
COMMAND = [*FSBENCH, "run", "--preset", "smoke", "--seed", "7"]
# Long enough that a kill may fall into any stage: three epochs, 60 steps, 400 episodes.
SCHEDULE = ["--set", "pretrain.epochs=3", "--set", "train.steps=60", "--set", "train.val_every=10"]
KILLS = int(os.environ.get("FSBENCH_KILLS", "0"))
pytestmark = pytest.mark.skipif(not KILLS, reason="takes minutes; FSBENCH_KILLS=20 runs it")
ONE_CELL = [*COMMAND, "--method", "proto-net", "--episodes", "400", *SCHEDULE]


def start(folder: Path, command: list[str] = ONE_CELL) -> "subprocess.Popen[str]":
    """Start a command with a home and a store of its own in `folder`."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "FSBENCH_HOME": str(folder / "home"), "COLUMNS": "120"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE)


def with_data_of(other: Path, folder: Path) -> Path:
    """Give the home in `folder` the data set that was drawn already; return `folder`."""
    if not (data := folder / "home" / "data").exists():
        shutil.copytree(other / "home" / "data", data)
    return folder


def statuses(folder: Path) -> list[str]:
    """Status of every run in the store, oldest first."""
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    numbers = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(numbers, order_by=["attributes.start_time ASC"])
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


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the run that nobody stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder)
    assert process.communicate()[1] is not None
    assert process.returncode == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_a_killed_run_and_the_way_to_go_on(
    uninterrupted: Path, tmp_path: Path, number: int, code: int
) -> None:
    process = start(with_data_of(uninterrupted, tmp_path))
    while not list(tmp_path.glob("home/weights/backbone-*/last.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    errors = process.communicate()[1]
    assert process.returncode == code, errors
    assert "stopped; the same command goes on from the last checkpoint" in errors
    assert "Traceback" not in errors
    assert statuses(tmp_path) == ["KILLED"]

    again = start(tmp_path)
    assert "going on from step" in again.communicate()[1]
    assert again.returncode == 0
    assert statuses(tmp_path) == ["KILLED", "FINISHED"]
    assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
def test_kill_9_at_random_moments(uninterrupted: Path, tmp_path: Path) -> None:
    moments, kills, finished = random.Random(0), 0, 0
    while kills < KILLS or not finished:
        folder = with_data_of(uninterrupted, tmp_path / str(finished))
        process = start(folder)
        try:
            wait = moments.uniform(2, 12) if kills < KILLS else None
            process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0
        assert set(statuses(folder)) <= {"KILLED", "FINISHED"}  # none is left running for ever
        assert_same(folder, uninterrupted)
        finished += 1


@pytest.mark.slow
def test_eight_at_once_share_a_backbone_and_a_cell(uninterrupted: Path, tmp_path: Path) -> None:
    others = ["simple-shot", "bd-cspn", "laplacian-shot", "logistic"]
    cells = [ONE_CELL] * 4
    # These have no meta-training, whose settings they would refuse.
    cells += [[*COMMAND, "--method", m, "--episodes", "400", *SCHEDULE[:2]] for m in others]
    with_data_of(uninterrupted, tmp_path)
    processes = [start(tmp_path, cell) for cell in cells]
    said = "".join(process.communicate()[1] for process in processes)
    assert [process.returncode for process in processes] == [0] * 8, said
    assert said.count("pretraining conv4-64 on glyphs") == 1
    assert said.count("proto-net conv4-64 glyphs 1-shot: running") == 1
    assert said.count("has been run") == 3
    assert statuses(tmp_path) == ["FINISHED"] * 5
    weights, results = outcome(tmp_path)
    assert (len(weights), len(results)) == (2, 5)
    proto = outcome(uninterrupted)[1][0]
    assert proto in results
