"""Runs with facts that no run has are left out by id, and the others are shown."""

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.report.formats import SUFFIXES, render
from fewshot_bench.tracking.reader import REASON_LENGTH, understood
from tests.tracking.incomplete import stored

BIG = 10**400
ABSURD: list[tuple[str, str, Any]] = [
    *[
        ("metrics", "acc_1shot", value)
        for value in (nan, inf, -inf, -0.1, 1.01, 1e308, "0.5", None)
    ],
    *[("metrics", "ci95_1shot", value) for value in (inf, -0.1, 7.0, "x")],
    *[("metrics", "macro_f1_1shot", value) for value in (inf, -1.0, 2.0)],
    *[("metrics", "ece_1shot", value) for value in (inf, -1.0, 2.0)],
    *[("metrics", "train_seconds", value) for value in (nan, inf, -1.0, 1e300)],
    *[("metrics", "ms_per_episode", value) for value in (nan, inf, -1.0, 1e300)],
    *[("params", "n_way", value) for value in ("1", "0", "-5", "five", "", "1e3", str(BIG), "nan")],
    *[("params", "n_shot", value) for value in ("0", "-1", "[/x]", "9" * 5000)],
    *[("params", "n_query", value) for value in ("0", "null")],
    *[("params", "n_episodes", value) for value in ("0", str(BIG))],
    *[("params", "seed", value) for value in ("-1", str(2**64))],
    *[("params", "n_query_way", value) for value in ("-1", "x")],
    *[("params", "shared_classes", value) for value in ("-1", "x")],
    *[("params", "settings", value) for value in ("{", "1", '"ab"', "[1]", '[["a"]]', "[" * 99999)],
    *[
        ("params", "query_balance", value)
        for value in ("", "balance", "dirichlet:0", "dirichlet:x")
    ],
    *[("params", "split", value) for value in ("", "train", "TEST")],
    *[("params", name, "\ud800") for name in ("method", "dataset", "preset", "recipe.a")],
    *[("params", "recipe.\udfff", "1"), ("params", "method", None)],
    *[("tags", "fsbench.setting", v) for v in ("", "Inductive", '"><script>', "inductive\n")],
    *[("tags", "fsbench.key", None), ("tags", "fsbench.episode_digest", "\ud800")],
    *[("info", "start_time", value) for value in (None, "x", 10**30, -(10**30), nan)],
    *[("info", "end_time", value) for value in (None, "x", 10**30, inf)],
]


@pytest.fixture(scope="module")
def good() -> list[Any]:
    return [stored("one"), stored("two")]


@pytest.mark.parametrize(("where", "fact", "value"), ABSURD)
def test_an_absurd_run_is_left_out_in_one_line(
    where: str, fact: str, value: Any, good: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = stored("bad")
    if where == "info":
        setattr(bad.info, fact, value)
    else:
        getattr(bad.data, where)[fact] = value
    assert [run.run_id for run in understood([good[0], bad, good[1]])] == ["one", "two"]
    err = capsys.readouterr().err
    assert err.startswith("warning: run bad is left out: ")
    assert err.count("\n") == 1
    assert len(err) < REASON_LENGTH + 50


def test_checksums_without_a_name_of_their_data_are_left_out(good: list[Any]) -> None:
    bad = stored("bad")
    bad.data.params |= {"train_dataset": "", "train_checksum": "t"}
    assert [run.run_id for run in understood([bad, good[0]])] == ["one"]


@pytest.mark.parametrize(
    "facts",
    [
        {"ci95_1shot": nan},  # a single episode
        {"macro_f1_1shot": nan, "macro_f1_ci95_1shot": nan, "ece_1shot": nan},
        {"acc_1shot": 0.0, "ci95_1shot": 0.0, "train_seconds": 0.0},
        {"acc_1shot": 0.5, "ci95_1shot": 6.353},
    ],
)
def test_what_can_be_is_read(facts: dict[str, float]) -> None:
    run = stored("one")
    run.data.metrics |= facts
    assert [run.run_id for run in understood([run])] == ["one"]


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=8), st.integers(), st.floats(), st.none(), st.just([])
)
WHERE = st.sampled_from(["params", "tags", "metrics", "info"])


@settings(max_examples=15)
@given(st.lists(st.tuples(WHERE, st.integers(0, 30), VALUES), max_size=3))
def test_no_run_disables_a_table(changes: list[tuple[str, int, Any]]) -> None:
    """Whatever stands where: each format shows the good runs."""
    changed = stored("changed")
    for where, place, value in changes:
        facts = vars(changed.info) if where == "info" else getattr(changed.data, where)
        names = [name for name in facts if name != "run_id"]
        facts[names[place % len(names)]] = value
    runs = list(understood([stored("one"), changed]))
    assert runs[0].run_id == "one"
    for form in SUFFIXES.values():
        assert "one" in render(runs, form)
