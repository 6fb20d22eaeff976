"""Made-up records, sent to a store."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient

from fewshot_bench.config import RunConfig
from fewshot_bench.results import CurvePoint, Result, RunRecord
from fewshot_bench.tracking import Tracker, load_runs


def make_record(checkpoint: Path | None = None, n_curve: int = 5, **facts: Any) -> RunRecord:
    """A run of SIB with all that can be told of one; `facts` are of its configuration."""
    config = RunConfig(
        **{
            "method": "ssl-meta",
            "backbone": "conv4-64",
            "dataset": "cifar-fs",
            "n_episodes": 50,
            "recipe": {"train": {"lr": 0.1, "milestones": [0.5, 0.7]}, "note": "x" * 3000},
            "data_checksum": "d" * 64,
            **facts,
        }
    )
    accuracies = np.random.default_rng(config.seed).integers(0, 75, config.n_episodes) / 75
    result = Result(
        accuracies=tuple(accuracies.tolist()),
        setting="transductive",
        seconds=2.5,
        episode_seconds=0.01,
        peak_memory_mb=300.0,
        episode_digest="e" * 64,
        data_checksum="t" * 64,
        device="cpu",
        versions={"torch": "2.13.0"},
        macro_f1=tuple((0.9 * accuracies).tolist()),
        calibration_error=0.05,
    )
    curve = [CurvePoint(name="train_loss", step=s, value=1 / (s + 1)) for s in range(n_curve)]
    return RunRecord(
        config=config,
        result=result,
        curves=tuple(curve),
        train_seconds=12.0,
        checkpoint=str(checkpoint) if checkpoint else None,
        started=datetime(2026, 1, 2, tzinfo=UTC),
        finished=datetime(2026, 1, 3, tzinfo=UTC),
    )


def log(tracker: Tracker, record: RunRecord) -> str:
    """Send a record; return MLflow's id of the run."""
    tracker.send(record)
    return load_runs(tracker.uri)[-1].run_id


def status_of(tracker: Tracker) -> list[str]:
    """Status of every cell in the store."""
    client = MlflowClient(tracking_uri=tracker.uri)
    experiment = client.get_experiment_by_name("cifar-fs")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`fsbench.key` != ''")
    return [run.info.status for run in runs]
