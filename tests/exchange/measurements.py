"""Made-up measurements."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import CurvePoint
from fewshot_bench.statistics.intervals import confidence95
from fewshot_bench.tracking.measurement import Measurement

START = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)


def measured(
    right: list[int] | None = None,
    minute: int = 0,
    config: dict[str, Any] | None = None,
    **facts: Any,
) -> Measurement:
    """A measurement of some right answers an episode; `config` and `facts` replace defaults."""
    counts = np.asarray([60, 75, 3, 0] if right is None else right)
    asked = RunConfig(
        **{
            "method": "tim",
            "backbone": "conv4-64",
            "dataset": "glyphs",
            "n_episodes": len(counts),
            "recipe": {"train": None, "rates": [0.1], "note": "x" * 600},
            "data_checksum": "d" * 64,
            **(config or {}),
        }
    )
    accuracies = counts / asked.spec.n_queries
    known: dict[str, Any] = {
        "run_id": f"run{minute:04d}",
        "record": f"record{minute:04d}",
        "started": START + timedelta(minutes=minute),
        "finished": START + timedelta(minutes=minute, seconds=5),
        "order": minute,
        "version": "0.1.0+abc",
        "setting": "transductive",
        "mean": float(accuracies.mean()),
        "ci95": confidence95(accuracies.tolist()),
        "macro_f1": 0.5,
        "macro_f1_ci95": 0.1,
        "calibration_error": 0.25,
        "seconds": 1.5,
        "episode_seconds": 1 / 3,
        "peak_memory_mb": 300.0,
        "train_seconds": 7.0,
        "pretrain_seconds": 0.1,
        "episode_digest": "e" * 64,
        "split_checksum": "s" * 64,
        "device": "cpu (x86_64)",
        "versions": {"torch": "2.13.0"},
        "code": CodeVersion("0.1.0", "c" * 40, True),
        "source": "0123",
        "weights": "method-0123",
        "curves": (CurvePoint(name="loss", step=1, value=float("nan")),),
    }
    return Measurement(config=asked, right=counts, **known | facts)


def same(first: Measurement, second: Measurement) -> bool:
    """Whether two are equal in everything, NaN included."""
    texts = [repr(each.model_dump(exclude={"right"})) for each in (first, second)]
    return texts[0] == texts[1] and first.right.tolist() == second.right.tolist()
