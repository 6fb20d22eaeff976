"""Runs in MLflow: written by `Tracker`, read by `load_runs`. No other package imports mlflow."""

from fewshot_bench.tracking.reader import load_runs
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.tracking.writer import Tracker

__all__ = ["TrackedRun", "Tracker", "load_runs"]
