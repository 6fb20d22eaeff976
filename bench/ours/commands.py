"""Time commands as a user waits for them.

Usage: python -m bench.ours.commands FOLDER help|table RUNS
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run

from bench.line import print_measured
from fewshot_bench.config import RunConfig
from fewshot_bench.results import Result, RunRecord
from fewshot_bench.tracking import Tracker, load_runs

N_REPEATS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)


def main(folder: Path, name: str, n_runs: int) -> None:
    """Print the median seconds of the command."""
    arguments = ["--help"]
    if name == "table":
        arguments = ["table", "--tracking-uri", _store(folder, n_runs)]
    command = [str(Path(sys.executable).parent / "fsbench"), *arguments]
    seconds = []
    for _ in range(N_REPEATS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    print_measured(median(seconds))


def _store(folder: Path, n_runs: int) -> str:
    """Return the address of a store of so many runs, made if it is not there yet."""
    file = folder / f"runs-{n_runs}.db"
    uri = f"sqlite:///{file.resolve()}"
    if not file.exists():
        partial = file.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        _fill(f"sqlite:///{partial.resolve()}", n_runs)
        partial.rename(file)
    return uri


def _fill(uri: str, n_runs: int) -> None:
    """Log one run as the harness does, and copies of it that differ in method and seed."""
    Tracker(uri).check()
    Tracker(uri).send(_record())
    client = MlflowClient(tracking_uri=uri)
    first = client.get_run(load_runs(uri)[0].run_id)
    for i in range(1, n_runs):
        _copy(client, first, f"method{i % 40}", i // 40)


def _copy(client: MlflowClient, run: Run, method: str, seed: int) -> None:
    facts, tags = {"method": method, "seed": str(seed)}, {"fsbench.key": f"{method}-{seed}"}
    made = client.create_run(run.info.experiment_id, tags=run.data.tags | tags)
    params = [Param(k, v) for k, v in (run.data.params | facts).items()]
    metrics = [Metric(k, v, 0, 0) for k, v in run.data.metrics.items()]
    client.log_batch(made.info.run_id, metrics, params)
    client.set_terminated(made.info.run_id)


def _record() -> RunRecord:
    config = RunConfig(
        method="proto-net",
        backbone="conv4-64",
        dataset="bench",
        n_episodes=100,
        recipe={},
        data_checksum="d" * 64,
    )
    result = Result(
        accuracies=tuple(i / 100 for i in range(100)),
        setting="inductive",
        seconds=1.0,
        episode_seconds=0.01,
        peak_memory_mb=300.0,
        episode_digest="e" * 64,
        data_checksum="t" * 64,
        device="cpu",
        versions={},
    )
    finished = START + timedelta(minutes=1)
    return RunRecord(
        config=config, result=result, train_seconds=1.0, started=START, finished=finished
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
