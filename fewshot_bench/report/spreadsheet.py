"""CSV in long format: one line a run, with every fact that its cell leads back to."""

import json
from collections.abc import Sequence

import pandas as pd

from fewshot_bench.report.cells import latest
from fewshot_bench.report.published import published_for
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.csv_text import csv_text


def render(runs: Sequence[TrackedRun], *, published: bool = False) -> str:
    """Write every run of the table, each seed its own line; ``origin`` tells published ones apart.

    Accuracy, macro-F1, their intervals and the calibration error are percent, in full precision
    for our runs; runs of earlier versions have accuracies alone.
    """
    frame = latest(runs).rename(columns={"n_way": "ways", "n_shot": "shots", "n_query": "queries"})
    frame = frame.rename(columns={"mean": "accuracy"})
    shares = ["accuracy", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error"]
    frame[shares] *= 100
    frame["recipe"] = [json.dumps(recipe, sort_keys=True) for recipe in frame["recipe"]]
    for moment in ("started", "finished"):
        frame[moment] = [time.isoformat() for time in frame[moment]]
    frame.insert(0, "origin", "run")
    if published:
        alike = frame[frame["train_dataset"] == ""]  # as published numbers were trained
        shown = alike[["dataset", "ways", "shots"]].drop_duplicates().to_dict("records")
        theirs = published_for((s["dataset"], s["ways"], s["shots"]) for s in shown)
        theirs.insert(0, "origin", "published")
        frame = pd.concat([frame.astype(object), theirs.astype(object)])
    return csv_text(frame)
