"""Runs that somebody has changed in a store cost no more than themselves."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_bench.tracking.reader import understood

TAGS = ("key", "setting", "data_checksum", "episode_digest", "version")
METRICS = ("acc_1shot", "ci95_1shot", "train_seconds", "ms_per_episode")
NUMBERS = ("n_way", "n_shot", "n_query", "n_episodes", "seed")
WORDS = ("method", "backbone", "dataset", "split", "preset", "query_balance")


def stored(run_id: str) -> Any:
    """A run as MLflow gives it."""
    params = dict.fromkeys(NUMBERS, "1") | dict.fromkeys(WORDS, "x") | {"settings": json.dumps([])}
    data = SimpleNamespace(
        tags={f"fsbench.{name}": "x" for name in TAGS},
        metrics=dict.fromkeys(METRICS, 0.5),
        params=params,
    )
    return SimpleNamespace(
        info=SimpleNamespace(run_id=run_id, start_time=0, end_time=1000), data=data
    )


@pytest.mark.parametrize("fact", [*(f"fsbench.{t}" for t in TAGS), *METRICS, *NUMBERS, *WORDS])
def test_a_run_that_lacks_a_fact_is_left_out_by_its_id(
    fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    poor = stored("poor")
    for facts in vars(poor.data).values():
        facts.pop(fact, None)
    runs = [stored("one"), poor, stored("two")]
    assert [run.run_id for run in understood(runs)] == ["one", "two"]
    assert capsys.readouterr().err == f"warning: run poor is left out: it has no '{fact}'\n"


@pytest.mark.parametrize(
    ("fact", "value"), [("n_way", "[/x]"), ("settings", "{"), ("settings", "1")]
)
def test_a_run_with_an_absurd_fact_is_left_out(
    fact: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    absurd = stored("absurd")
    absurd.data.params[fact] = value
    assert [run.run_id for run in understood([absurd, stored("one")])] == ["one"]
    err = capsys.readouterr().err
    assert err.startswith("warning: run absurd is left out: ")
    assert err.count("\n") == 1


def test_a_run_without_an_end_is_left_out() -> None:
    endless = stored("endless")
    endless.info.end_time = None
    assert list(understood([endless])) == []
