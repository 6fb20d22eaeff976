"""Runs that somebody has changed in a store cost no more than themselves."""

import pytest

from fewshot_bench.tracking.reader import understood
from tests.tracking.incomplete import METRICS, NUMBERS, TAGS, WORDS, stored


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
