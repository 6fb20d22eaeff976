"""Real processes, interrupted and started together: nothing is lost, nothing done twice.

``FSBENCH_KILLS=20`` starts eight processes at once, which takes minutes; see test_kills.py.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes import free_port, server, start
from tests.runs.outcomes import assert_same, outcome, statuses

COMMAND = ["run", "--preset", "smoke", "--seed", "7"]
# Long enough that a kill may fall into any stage: three epochs, 60 steps, 400 episodes.
SCHEDULE = ["--set", "pretrain.epochs=3", "--set", "train.steps=60", "--set", "train.val_every=10"]
ONE_CELL = [*COMMAND, "--method", "proto-net", "--episodes", "400", *SCHEDULE]
KILLS = int(os.environ.get("FSBENCH_KILLS", "0"))
on_demand = pytest.mark.skipif(not KILLS, reason="takes minutes; FSBENCH_KILLS=20 runs it")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the run that nobody stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder, *ONE_CELL)
    errors = process.communicate()[1]
    assert process.returncode == 0, errors
    return folder


def test_a_signal_leaves_a_killed_run_and_the_way_to_go_on(
    uninterrupted: Path, tmp_path: Path
) -> None:
    stop(tmp_path, signal.SIGTERM, 143, "backbone-*")
    stop(tmp_path, signal.SIGINT, 130, "method-*")
    again = start(tmp_path, *ONE_CELL)
    assert "going on from step" in again.communicate()[1]
    assert again.returncode == 0
    assert statuses(tmp_path) == ["KILLED", "KILLED", "FINISHED"]
    assert_same(tmp_path, uninterrupted)


def stop(folder: Path, number: signal.Signals, code: int, stage: str) -> None:
    """Start the cell, and send it a signal as soon as there is a checkpoint of a stage."""
    process = start(folder, *ONE_CELL)
    while not list(folder.glob(f"home/weights/{stage}/last.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    errors = process.communicate()[1]
    assert process.returncode == code, errors
    assert "stopped; the same command goes on from the last checkpoint" in errors
    assert "Traceback" not in errors
    assert statuses(folder)[-1] == "KILLED"


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
