"""Made-up tracked runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.files import stable_hash

START = datetime(2026, 1, 1, tzinfo=UTC)


def tracked(minute: int = 0, **facts: Any) -> TrackedRun:
    """A run that started `minute` minutes after midnight; `facts` replace the defaults."""
    values: dict[str, Any] = {
        "method": "proto-net",
        "backbone": "conv4-64",
        "dataset": "cifar-fs",
        "setting": "inductive",
        "n_way": 5,
        "n_shot": 1,
        "n_query": 15,
        "query_balance": "balanced",
        "n_query_way": 0,
        "n_episodes": 2000,
        "split": "test",
        "seed": 0,
        "preset": "default",
        "settings": (),
        "recipe": {"n_steps": "3"},
        "data_checksum": "d" * 64,
        "train_dataset": "",
        "fitted": "",
        "shared_classes": 0,
        "mean": 0.6,
        "ci95": 0.004,
        "macro_f1": 0.58,
        "macro_f1_ci95": 0.005,
        "calibration_error": 0.03,
        "train_seconds": 90.0,
        "ms_per_episode": 0.25,
        "version": "0.1.0",
        **facts,
    }
    checksum = facts.get("train_checksum", "t" * 64)
    values["train_checksum"] = checksum if values["train_dataset"] else ""
    facts_of = ("split", "n_way", "n_shot", "n_query", "query_balance", "n_query_way", "n_episodes")
    protocol = [values[k] for k in facts_of]
    values.setdefault("episode_digest", stable_hash(protocol, length=64))
    measured = {"mean", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error"}
    measured |= {"train_seconds", "ms_per_episode", "version", "episode_digest", "order"}
    values.setdefault("key", stable_hash({k: v for k, v in values.items() if k not in measured}))
    return TrackedRun(
        run_id=f"run{minute:04d}" + values["key"],
        started=START + timedelta(minutes=minute),
        finished=START + timedelta(minutes=minute, seconds=30),
        **{"order": minute, **values},
    )


def paper_like() -> list[TrackedRun]:
    """Two methods, two shots; the transductive one with three seeds at one shot."""
    sib = {"method": "ssl-meta", "setting": "transductive"}
    return [
        tracked(0, mean=0.555),
        tracked(1, mean=0.72, n_shot=5),
        *[tracked(2 + s, mean=0.68 + 0.01 * s, seed=s, **sib) for s in range(3)],
        tracked(5, mean=0.71, n_shot=5, **sib),
    ]
