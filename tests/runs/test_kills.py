"""``kill -9`` at random moments over runs of four cells: nothing is lost, nothing is there twice.

``FSBENCH_KILLS=50 FSBENCH_KILL_SEED=1 pytest tests/runs/test_kills.py -s`` kills 50 times on each
store, and a study's driver with two workers, at other moments with another seed, and prints the
stages that the kills fell into.
"""

import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from fewshot_bench.tracking import Tracker
from tests.processes import free_port, server
from tests.runs.forked import fsbench, said, start
from tests.runs.outcomes import assert_same, logged
from tests.runs.patterns import write_patterns

# Four, all of one pretrained backbone, each meta-trained.
CELLS = ["run", "-m", "proto-net", "-m", "ssl-meta", "--shots", "1", "--shots", "3", "--seed", "7"]
SMALL = ["--dataset", "patterns", "--preset", "smoke", "--queries", "5", "--episodes", "60"]
SHORT = ["pretrain.epochs=3", "pretrain.val_episodes=20", "train.steps=12", "train.val_every=4"]
COMMAND = [*CELLS, *SMALL, *(f"--set={setting}" for setting in SHORT)]
STUDY = ["study", "four.toml", "--workers", "2"]  # the same four
FOUR = """
methods = ["proto-net", "ssl-meta"]
datasets = "patterns"
shots = [1, 3]
seeds = 7
preset = "smoke"
n_query = 5
n_episodes = 60

[settings]
""" + "\n".join(SHORT)
KILLS = int(os.environ.get("FSBENCH_KILLS", "0"))
SEED = int(os.environ.get("FSBENCH_KILL_SEED", "0"))
on_demand = pytest.mark.skipif(not KILLS, reason="takes minutes; FSBENCH_KILLS=50 runs it")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of stored data sets, with one of few small images."""
    return write_patterns(tmp_path_factory.mktemp("images"))


def make_folder(folder: Path, images: Path) -> Path:
    """A folder with a home in it, whose data sets are those of all others."""
    (folder / "home").mkdir(parents=True)
    (folder / "home" / "data").symlink_to(images)
    (folder / "four.toml").write_text(FOUR)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(
    tmp_path_factory: pytest.TempPathFactory, images: Path, empty_store: Path
) -> tuple[Path, float]:
    """Folder of the runs that nobody stopped, and how long they took."""
    return carried_out(tmp_path_factory.mktemp("uninterrupted"), images, empty_store, COMMAND)


def carried_out(
    place: Path, images: Path, empty_store: Path, command: list[str]
) -> tuple[Path, float]:
    """Run a command that nobody stops; its folder, with an empty store, and how long it took."""
    folder = make_folder(place, images)
    shutil.copy(empty_store, folder / "empty.db")
    shutil.copy(empty_store, folder / "mlflow.db")
    fsbench(folder, "list", "methods")  # the modules are imported now
    began = time.monotonic()
    fsbench(folder, *command)
    return folder, time.monotonic() - began


def is_killed(folder: Path, command: list[str], seconds: float) -> bool:
    """Start a command and kill it after a while; False if it came to its end before."""
    process = start(folder, *command)
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -9), said(folder)
    return process.exitcode != 0


def stage(home: Path) -> str:
    """Tell by what is there in which stage a process died."""
    if list(home.glob("owed/*/*.json")):
        return "logging"
    for kind, name in (("backbone", "pretraining"), ("method", "meta-training")):
        folders = list(home.glob(f"weights/{kind}-*"))
        if not all((folder / "model.safetensors").exists() for folder in folders):
            return name
    return "evaluation" if list(home.glob("weights/backbone-*")) else "start-up"


def kill_often(
    place: Path,
    images: Path,
    uri: str,
    undisturbed: tuple[Path, float],
    command: list[str] = COMMAND,
) -> None:
    """Kill a command `KILLS` times, and compare each that came to its end with the undisturbed.

    Args:
        place: for the folders.
        images: see `images`.
        uri: of a store; a relative one is made anew for each folder.
        undisturbed: see `carried_out`.
        command: to be killed.
    """
    expected, seconds = undisturbed
    command = [*command, "--tracking-uri", uri]
    moments, wanted = random.Random(SEED), max(KILLS, 3)
    kills, laps = Counter[str](), 0
    while kills.total() < wanted:
        folder, laps = make_folder(place / str(laps), images), laps + 1
        if laps % 8:  # else a kill may fall into the making of the store
            shutil.copy(expected / "empty.db", folder / "mlflow.db")
        while kills.total() < wanted and is_killed(folder, command, moments.uniform(0, seconds)):
            kills[stage(folder / "home")] += 1
        fsbench(folder, *command)
        assert_same(folder, expected)
        assert not list(folder.glob("home/owed/*/[!.]*")), said(folder)  # but what was half written
        # Workers whose driver was killed stop as if by Ctrl-C, and say so.
        stopped = "KILLED" if command[0] == "study" else None
        mine = [run for run in logged(folder, uri) if run["status"] != stopped]
        assert mine == logged(expected, f"sqlite:///{expected}/mlflow.db"), said(folder)
        print(f"survived {kills.total()} kills of {laps} commands: {dict(kills)}", flush=True)


def test_kills_on_sqlite(tmp_path: Path, images: Path, uninterrupted: tuple[Path, float]) -> None:
    kill_often(tmp_path, images, "sqlite:///mlflow.db", uninterrupted)


@on_demand
def test_kills_of_a_study(tmp_path: Path, images: Path, empty_store: Path) -> None:
    undisturbed = carried_out(tmp_path / "uninterrupted", images, empty_store, STUDY)
    kill_often(tmp_path, images, "sqlite:///mlflow.db", undisturbed, STUDY)


@on_demand
def test_kills_on_a_server_with_postgresql(
    tmp_path: Path, images: Path, uninterrupted: tuple[Path, float], postgresql: str
) -> None:
    Tracker(postgresql).check()  # makes the tables, which takes a server seconds
    with server(tmp_path / "server", free_port(), postgresql) as uri:
        kill_often(tmp_path, images, uri, uninterrupted)
