"""Runs as MLflow gives them, to take facts from."""

import json
from types import SimpleNamespace
from typing import Any

TAGS = ("key", "setting", "data_checksum", "episode_digest", "version")
METRICS = ("acc_1shot", "ci95_1shot", "train_seconds", "ms_per_episode")
NUMBERS = ("n_way", "n_shot", "n_query", "n_episodes", "seed")
WORDS = ("method", "backbone", "dataset", "split", "preset", "query_balance")


def stored(run_id: str) -> Any:
    """A run as MLflow gives it."""
    params = dict.fromkeys(NUMBERS, "5") | dict.fromkeys(WORDS, "x") | {"settings": json.dumps([])}
    params |= {"n_shot": "1", "split": "test", "query_balance": "balanced"}
    data = SimpleNamespace(
        tags={f"fsbench.{name}": "x" for name in TAGS} | {"fsbench.setting": "inductive"},
        metrics=dict.fromkeys(METRICS, 0.5),
        params=params,
    )
    info = SimpleNamespace(run_id=run_id, experiment_id="1", start_time=0, end_time=1000)
    return SimpleNamespace(info=info, data=data)
