"""CSV in long format: one line a run, with every fact that its cell leads back to."""

import json
from collections.abc import Sequence

import pandas as pd

from fewshot_bench.report.cells import latest
from fewshot_bench.report.pairing import (
    Facts,
    difference,
    differences,
    same_method,
    same_protocol,
    theirs_for,
)
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.csv_text import csv_text

# Of a published row that stands beside a run; the rest is the run's own.
_THEIRS = (
    *("published_as", "network", "pretraining", "extra_data"),
    *("paper", "year", "source_url", "confirmed"),
)
_SHARED = ("accuracy", "ci95", "queries", "episodes", "variant")  # names that runs have too
# Of one that no run stands beside.
_FACTS = ("method", "backbone", "dataset", "setting", "ways", "shots", "query_balance")


def render(runs: Sequence[TrackedRun], *, published: pd.DataFrame | None = None) -> str:
    """Write every run of the table, each seed its own line; ``origin`` tells published ones apart.

    Accuracy, macro-F1, their intervals and the calibration error are percent, in full precision
    for our runs; runs of earlier versions have accuracies alone. A run has a line for each
    published number that it stands beside; published numbers without a run follow.
    """
    frame = latest(runs).drop(columns=["common", "order", "record", "studies"])
    beside = None if published is None else _beside(frame, theirs_for(frame, published))
    frame = frame.rename(columns={"n_way": "ways", "n_shot": "shots", "n_query": "queries"})
    frame = frame.rename(columns={"mean": "accuracy"})
    shares = ["accuracy", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error"]
    frame[shares] *= 100
    frame["recipe"] = [json.dumps(recipe, sort_keys=True) for recipe in frame["recipe"]]
    for moment in ("started", "finished"):
        frame[moment] = [time.isoformat() for time in frame[moment]]
    frame.insert(0, "origin", "run")
    if beside is not None:
        frame = _joined(frame, beside)
    return csv_text(frame)


def _joined(frame: pd.DataFrame, beside: pd.DataFrame) -> pd.DataFrame:
    """Runs with what stands beside them, by ``run_id``, then what has no run."""
    alone = beside["run_id"] == ""
    lines = frame.merge(beside[~alone].drop(columns=["origin", *_FACTS]), on="run_id", how="left")
    return pd.concat([lines.astype(object), beside[alone].astype(object)])


def _beside(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """A line for each run and each published number that belong together, or that has no run."""
    lines = []
    ours: Sequence[Facts] = runs.to_dict("records")
    for fact in theirs.to_dict("records"):
        line = {name: fact[name] for name in (*_FACTS, *_THEIRS)}
        line |= {"origin": "published", "run_id": ""}
        line |= {f"published_{name}": fact[name] for name in _SHARED}
        pairs = [run for run in ours if same_protocol(run, fact) and same_method(run, fact)]
        lines += [
            {
                **line,
                "run_id": run["run_id"],
                "difference": difference(run, fact),
                "differs": "; ".join(differences(run, fact)),
            }
            for run in pairs
        ] or [line]
    shared = (f"published_{name}" for name in _SHARED)
    names = ["origin", "run_id", *_FACTS, *shared, "difference", "differs", *_THEIRS]
    return pd.DataFrame(lines, columns=names)
