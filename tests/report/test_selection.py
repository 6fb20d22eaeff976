"""Which runs are shown, by what a user asks for."""

from typing import Any

import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.selection import Selection, spelled, without_smoke
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


def test_only_runs_of_a_study_are_shown_if_one_is_asked_for() -> None:
    one, both = tracked(1, studies=("alpha",)), tracked(2, studies=("beta", "alpha"), seed=1)
    runs = [tracked(0), one, both]
    assert Selection(study="alpha").of(runs) == [one, both]
    assert Selection(study="beta").of(runs) == [both]
    with pytest.raises(UsageError, match="no finished run of a study 'alpa'; did you mean 'alpha'"):
        Selection(study="alpa").of(runs)
    assert Selection(study="alpa").of([]) == []


def test_names_of_nobody_and_of_one_are_told_apart() -> None:
    with pytest.raises(UsageError, match="no finished run of method 'maml'; choose from"):
        Selection({"method": ["proto-net", "maml"]}).of(RUNS)
    assert Selection({"method": []}).of(RUNS) == RUNS[:6]
    assert Selection(seeds=[9]).of([]) == []
    assert spelled(RUNS, "backbone", ["ResNet12"]) == ["resnet12"]
    assert spelled(RUNS, "dataset", []) == []


def test_balances_in_any_case_and_several_values_of_a_fact() -> None:
    assert Selection(balances=["DIRICHLET:2.0"]).of(RUNS) == [RUNS[4]]
    assert Selection(shots=[1, 5], ways=[5], queries=[15]).of(RUNS) == [
        *(RUNS[place] for place in (0, 1, 4, 5))
    ]


def test_what_a_selection_asks_for_unless_told() -> None:
    plain = Selection()
    assert (plain.names, plain.split, plain.study, plain.every_preset) == ({}, "test", None, False)
    asked = [plain.shots, plain.ways, plain.queries, plain.episodes, plain.seeds]
    assert [*asked, plain.presets, plain.balances] == [()] * 7


def test_smoke_runs_alone_are_shown_and_counted_as_left_out_only_where_they_are() -> None:
    smoke = [tracked(i, preset="smoke", seed=i) for i in range(3)]
    assert without_smoke(smoke) == smoke
    assert without_smoke([*smoke, RUNS[0]]) == RUNS[:1]
    assert without_smoke([]) == []
    assert Selection().smoke_left_out([*smoke, *RUNS]) == 3
    assert Selection(every_preset=True).smoke_left_out([*smoke, *RUNS]) == 0


def test_published_rows_by_any_name_of_theirs() -> None:
    theirs = pd.DataFrame(
        {
            "method": ["ssl-meta", "", "proto-net", "ssl-meta"],
            "backbone": ["conv4-64", "conv4-64", "conv4-32 conv4-64", ""],
        }
    )

    def places(**names: list[str]) -> list[int]:
        return [*Selection(names).of_published(theirs).index]

    assert places(method=["SIB"]) == [0, 3]
    assert places(method=["SIB", "proto_net"]) == [0, 2, 3]
    assert places(backbone=["conv4-64"]) == [0, 1, 2]
    assert places(backbone=["conv4-32"], method=["proto-net"]) == [2]
    assert places(backbone=["conv4-32"], method=["sib"]) == []
    assert places(dataset=["whatever"]) == places(method=[]) == [0, 1, 2, 3]
