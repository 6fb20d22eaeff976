"""Real processes, killed, interrupted and started together: nothing is lost, nothing done twice.

``FSBENCH_KILLS=20`` kills so often, and starts eight processes at once, which takes minutes.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from fewshot_bench.utilities.tensors import load_tensors
from tests.processes import free_port, server, start

COMMAND = ["run", "--preset", "smoke", "--seed", "7"]
# Long enough that a kill may fall into any stage: three epochs, 60 steps, 400 episodes.
SCHEDULE = ["--set", "pretrain.epochs=3", "--set", "train.steps=60", "--set", "train.val_every=10"]
ONE_CELL = [*COMMAND, "--method", "proto-net", "--episodes", "400", *SCHEDULE]
KILLS = int(os.environ.get("FSBENCH_KILLS", "0"))
on_demand = pytest.mark.skipif(not KILLS, reason="takes minutes; FSBENCH_KILLS=20 runs it")
pytestmark = pytest.mark.slow

# Stage of a run: which file, below the home, shows that it has begun.
STAGES = {
    "pretraining": "weights/backbone-*/last.safetensors",
    "meta-training": "weights/method-*/last.safetensors",
    "evaluation": "weights/method-*/model.safetensors",
    "logging": "results/*.json",
    "start-up": "",
}


def statuses(folder: Path, uri: str | None = None) -> list[str]:
    """Status of every run in the store, oldest first."""
    client = MlflowClient(uri or f"sqlite:///{folder / 'mlflow.db'}")
    numbers = [e.experiment_id for e in client.search_experiments()]
    cells = "tags.`fsbench.key` != ''"
    runs = client.search_runs(numbers, cells, order_by=["attributes.start_time ASC"])
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
    process = start(folder, *ONE_CELL)
    errors = process.communicate()[1]
    assert process.returncode == 0, errors
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_a_killed_run_and_the_way_to_go_on(
    uninterrupted: Path, tmp_path: Path, number: int, code: int
) -> None:
    process = start(tmp_path, *ONE_CELL)
    while not list(tmp_path.glob("home/weights/backbone-*/last.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    errors = process.communicate()[1]
    assert process.returncode == code, errors
    assert "stopped; the same command goes on from the last checkpoint" in errors
    assert "Traceback" not in errors
    assert statuses(tmp_path) == ["KILLED"]

    again = start(tmp_path, *ONE_CELL)
    assert "going on from step" in again.communicate()[1]
    assert again.returncode == 0
    assert statuses(tmp_path) == ["KILLED", "FINISHED"]
    assert_same(tmp_path, uninterrupted)


def kill_in(stage: str, folder: Path, moments: random.Random) -> bool:
    """Start the cell and kill it somewhere in a stage; False if it came to its end before."""
    process = start(folder, *ONE_CELL)
    while STAGES[stage] and not list((folder / "home").glob(STAGES[stage])):
        if process.poll() is not None:
            break
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 3 if stage == "start-up" else 0.4))
    process.kill()
    _, errors = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode != 0


def test_kill_9_at_random_moments_of_every_stage(uninterrupted: Path, tmp_path: Path) -> None:
    moments, wanted = random.Random(KILLS), max(KILLS, 3)
    kills: dict[str, int] = dict.fromkeys(STAGES, 0)
    for lap in range(4 * wanted):
        folder = tmp_path / str(lap)
        for stage in STAGES:
            if sum(kills.values()) < wanted:
                kills[stage] += kill_in(stage, folder, moments)
        process = start(folder, *ONE_CELL)
        errors = process.communicate()[1]
        assert process.returncode == 0, errors
        assert statuses(folder) == ["FINISHED"]  # what was left running was taken over
        assert_same(folder, uninterrupted)
        if sum(kills.values()) >= wanted:
            break
    print(f"survived {kills}")
    assert sum(kills.values()) == wanted
    assert KILLS < 10 or all(kills.values())


@on_demand
def test_eight_at_once_share_a_backbone_and_a_cell(uninterrupted: Path, tmp_path: Path) -> None:
    eight_at_once(uninterrupted, tmp_path, f"sqlite:///{tmp_path}/mlflow.db")


@on_demand
def test_eight_at_once_on_a_server_with_postgresql(
    uninterrupted: Path, tmp_path: Path, postgresql: str
) -> None:
    with server(tmp_path / "server", free_port(), postgresql) as uri:
        eight_at_once(uninterrupted, tmp_path, uri)


def eight_at_once(uninterrupted: Path, folder: Path, uri: str) -> None:
    """Start eight processes, four of them for one cell; fail unless each thing was done once."""
    others = ["simple-shot", "bd-cspn", "laplacian-shot", "logistic"]
    cells = [ONE_CELL] * 4
    # These have no meta-training, whose settings they would refuse.
    cells += [[*COMMAND, "--method", m, "--episodes", "400", *SCHEDULE[:2]] for m in others]
    processes = [start(folder, *cell, "--tracking-uri", uri) for cell in cells]
    said = "".join(process.communicate()[1] for process in processes)
    assert [process.returncode for process in processes] == [0] * 8, said
    assert said.count("pretraining conv4-64 on glyphs") == 1
    assert said.count("proto-net conv4-64 glyphs 1-shot: running") == 1
    assert said.count("has been run") == 3
    assert statuses(folder, uri) == ["FINISHED"] * 5
    weights, results = outcome(folder)
    assert (len(weights), len(results)) == (2, 5)
    proto = outcome(uninterrupted)[1][0]
    assert proto in results


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Address of a database of PostgreSQL's on loopback, gone afterwards."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    place = shutil.which("initdb") or (found and str(found[-1]))
    if not place:
        pytest.skip("PostgreSQL's initdb is not installed")
    tools, port = Path(place).resolve().parent, free_port()
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def call(tool: str, *arguments: str) -> None:
        # Its own output: the server would keep a pipe open for ever.
        command = [str(tools / tool), "-D", f"{name}/data", *arguments]
        subprocess.run(command, check=True, user=user, cwd=name, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if user:
            shutil.chown(name, user)
        call("initdb", "-U", "erika", "--auth=trust", "--no-sync")
        place = f"-h 127.0.0.1 -p {port} -k {name}"
        call("pg_ctl", "start", "-w", "-o", place, "-l", f"{name}/log")
        try:
            yield f"postgresql://erika@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "fast")
