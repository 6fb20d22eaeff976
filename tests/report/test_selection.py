"""Which runs are shown, by what a user asks for."""

from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.selection import Selection, spelled
from tests.report.samples import tracked

FACTS: list[dict[str, Any]] = [
    {},
    {"n_shot": 5, "seed": 1},
    {"n_way": 20, "n_episodes": 600},
    {"n_query": 5, "preset": "paper"},
    {"query_balance": "dirichlet:2.0", "dataset": "mini-imagenet"},
    {"method": "ssl-meta", "backbone": "resnet12"},
    {"split": "val", "method": "tim"},
]
RUNS = [tracked(i, **facts) for i, facts in enumerate(FACTS)]


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"shots": [5]}, [1]),
        ({"seeds": [1, 2]}, [1]),
        ({"ways": [20]}, [2]),
        ({"episodes": [600]}, [2]),
        ({"queries": [5]}, [3]),
        ({"presets": ["Paper"]}, [3]),
        ({"balances": ["dirichlet:2.0"]}, [4]),
        ({"names": {"dataset": ["mini_ImageNet"]}}, [4]),
        ({"names": {"method": ["SIB"], "backbone": ["resnet12"]}}, [5]),
        ({"split": "val"}, [6]),
        ({"split": None, "names": {"method": ["tim", "sib"]}}, [5, 6]),
    ],
)
def test_each_option_leaves_what_fits_it(asked: dict[str, Any], places: list[int]) -> None:
    assert Selection(**asked).of(RUNS) == [RUNS[place] for place in places]


def test_what_fits_nothing_is_told() -> None:
    with pytest.raises(UsageError, match="leave some of them out"):
        Selection(seeds=[9]).of(RUNS)
    with pytest.raises(UsageError, match="did you mean 'proto-net'"):
        Selection({"method": ["protonet2"]}).of(RUNS)
    with pytest.raises(UsageError, match="test or val"):
        Selection(split="train")
    assert Selection(seeds=[9], split="val").of(RUNS[:-1]) == []


def test_smoke_runs_stand_beside_no_others_unless_they_are_asked_for() -> None:
    smoke = tracked(9, preset="smoke", n_shot=5)
    runs = [*RUNS, smoke]
    assert smoke not in Selection().of(runs)
    assert Selection().smoke_left_out(runs) == 1
    assert Selection(shots=[5], seeds=[0]).of(runs) == [smoke]  # there is nothing else
    assert Selection(shots=[5], seeds=[0]).smoke_left_out(runs) == 0
    assert Selection(presets=["smoke"]).of(runs) == [smoke]
    assert smoke in Selection(presets=["smoke", "default"]).of(runs)
    assert smoke in Selection(every_preset=True).of(runs)


def test_names_are_spelt_as_runs_have_them_each_once() -> None:
    assert spelled(RUNS, "method", ["SIB", "proto_net", "ssl_meta"]) == ["ssl-meta", "proto-net"]
    assert spelled([], "method", ["whatever"]) == []
