"""One protocol in a figure, told in its caption."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.figures.accuracies import accuracies_figure
from fewshot_bench.report.figures.cost import cost_figure
from fewshot_bench.report.figures.curves import curves_figure
from fewshot_bench.report.figures.differences import differences_figure
from fewshot_bench.report.figures.protocol import (
    caption_of,
    interval_note,
    names_of,
    require_one,
)
from fewshot_bench.report.figures.shots import shots_figure
from fewshot_bench.report.figures.trend import trend_figure
from tests.report.figures.drawn import SIB, frame_of
from tests.report.samples import paper_like, tracked


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"n_shot": 5}, "2 shots (1, 5); choose one with --shots"),
        ({"n_way": 20}, "2 ways (5, 20); choose one with --ways"),
        ({"query_balance": "dirichlet:2"}, "(balanced, dirichlet:2); choose one with --query-bal"),
        ({"n_query": 5}, "2 numbers of queries (5, 15); choose one with --queries"),
        ({"n_episodes": 600}, "2 numbers of episodes (600, 2000); choose one with --episodes"),
        ({"dataset": "fc100"}, "2 data sets (cifar-fs, fc100); choose one with --dataset"),
        ({"split": "val"}, "2 splits (test, val); choose one with --split"),
        ({"backbone": "resnet18"}, "2 backbones (conv4-64, resnet18); choose one with --backbone"),
        ({"n_query_way": 3}, "2 numbers of classes with queries (0, 3); draw them one by one"),
        ({"data_checksum": "e" * 64}, "2 versions of the data (ddd"),
        ({"train_dataset": "fc100"}, "2 data sets that were trained on (none, fc100); draw them"),
        ({"episode_digest": "f" * 64}, "have other ones; leave out those of another --episode-se"),
    ],
)
def test_what_differs_is_named_with_the_option_that_chooses(
    facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as error:
        require_one(frame_of(tracked(0), tracked(1, **{**SIB, **facts})), "cost")
    assert "a figure of cost is of" in str(error.value)
    assert words in str(error.value)


def test_versions_of_training_data_are_told_apart() -> None:
    runs = [
        tracked(i, train_dataset="fc100", train_checksum=digit * 64, method=method)
        for i, (digit, method) in enumerate([("a", "tim"), ("b", "feat")])
    ]
    with pytest.raises(UsageError, match=r"2 versions of the training data \(aaa.*; draw them one"):
        require_one(frame_of(*runs), "cost")


@pytest.mark.parametrize(
    ("shots", "told"), [((1, 2, 3, 5), "(1, 2, 3, 5);"), ((1, 2, 3, 5, 9), "(1, 2, 3, 5, ...);")]
)
def test_of_many_values_four_are_named(shots: Sequence[int], told: str) -> None:
    frame = frame_of(*(tracked(i, n_shot=k) for i, k in enumerate(shots)))
    with pytest.raises(UsageError) as error:
        require_one(frame, "cost")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("accuracies", accuracies_figure),
        ("cost", cost_figure),
        ("shots", shots_figure),
        ("trend", trend_figure),
        ("differences", lambda frame: differences_figure(frame, Gathered("", []))),
        ("curves", lambda frame: curves_figure(frame, Gathered("", []))),
    ],
)
def test_each_kind_of_figure_is_of_one_protocol(
    kind: str, draw: Callable[[pd.DataFrame], object]
) -> None:
    runs = latest([tracked(0), tracked(1, method="tim", dataset="fc100", n_shot=5)])
    frame = runs if kind in ("differences", "curves") else cells(runs)
    with pytest.raises(UsageError, match=f"a figure of {kind} is of one protocol"):
        draw(frame)


def test_what_may_differ_is_let_through() -> None:
    require_one(frame_of(tracked(0), tracked(1, n_shot=5), tracked(2, **SIB)), "x", ("n_shot",))


def test_a_caption_tells_what_all_have_in_common() -> None:
    both = frame_of(tracked(0), tracked(1, n_shot=5, n_query_way=3))
    told = caption_of(both, "note", "")
    assert told == (
        "cifar-fs, test classes · conv4-64 · 5-way, 15 queries a class, balanced · "
        "2,000 episodes · note"
    )
    one = caption_of(frame_of(tracked(0, train_dataset="fc100", n_query_way=3)), episodes=False)
    assert one == (
        "cifar-fs, test classes · trained on fc100 · conv4-64 · 5-way 1-shot, 15 queries a class "
        "of 3 classes, balanced"
    )
    asked = frame_of(*(tracked(0, method=m, settings=("a=1", "b=2")) for m in ("tim", "anil")))
    assert caption_of(asked).startswith("cifar-fs, test classes · conv4-64, a=1, b=2 · 5-way")


def test_a_caption_leaves_out_what_differs() -> None:
    facts = {"backbone": "b", "n_way": 20, "n_shot": 5, "n_query": 5, "n_episodes": 600}
    others = {"dataset": "fc100", "train_dataset": "c", "query_balance": "dirichlet:2"}
    frame = frame_of(tracked(0), tracked(1, **facts, **others))
    assert caption_of(frame) == "test classes"
    assert caption_of(frame, "", "note") == "test classes · note"
    both = frame_of(tracked(0), tracked(1, split="val", **facts))
    assert caption_of(both) == "cifar-fs · balanced"


def test_an_interval_says_over_how_many_seeds_it_is() -> None:
    alone = "mean and 95 % interval over episodes"
    assert interval_note(frame_of(tracked(0))) == alone
    assert interval_note(frame_of(*paper_like())) == f"{alone}; means over up to 3 training seeds"


def test_each_row_has_a_name_of_its_own_however_long_its_settings_are() -> None:
    text = "train.schedule=constant"
    methods = ["proto-net", "proto-net", "proto-net", "pnet", "tim"]
    runs = [
        tracked(i, settings=(f"x={i}", text), recipe={"x": str(i)}, method=method)
        for i, method in enumerate(methods)
    ]
    runs.append(tracked(9, method="unem"))  # so that no setting is one of all runs
    assert names_of(frame_of(*runs), longest=24) == [
        "pnet (3, constant)",
        "proto-net (0, constant)",
        "proto-net (1, constant)",
        "proto-net (2, constant)",
        "tim (4, constant)",
        "unem",
    ]
    assert names_of(frame_of(*runs), longest=17) == [
        "pnet (…=constant)",
        "proto-net (…tant)",
        "proto-net (…tant 2)",
        "proto-net (…tant 3)",
        "tim (4, constant)",
        "unem",
    ]


def test_names_that_are_alike_are_numbered_and_never_broken() -> None:
    both = frame_of(tracked(0), tracked(1, setting="transductive"))
    assert names_of(both) == ["proto-net", "proto-net 2"]
    long = frame_of(*(tracked(i, method=f"a-very-long-name-{i}") for i in range(3)))
    assert names_of(long, longest=12) == [f"a-very-long…{end}" for end in ("", " 2", " 3")]
    taken = [tracked(i, method=m) for i, m in enumerate(["m", "m 2"])]
    assert names_of(frame_of(*taken, tracked(2, method="m", setting="transductive"))) == [
        "m",
        "m 2",
        "m 3",
    ]


@pytest.mark.parametrize(
    ("longest", "name"),
    [(12, "abcdef (v=1)"), (11, "abcdef (1)"), (9, "abcdef (…"), (7, "abcdef…"), (5, "abcd…")],
)
def test_a_name_has_as_many_characters_as_are_allowed(longest: int, name: str) -> None:
    assert names_of(frame_of(tracked(method="abcdef", settings=("v=1",))), longest) == [name]


def test_of_a_long_name_the_value_is_told() -> None:
    runs = [
        tracked(i, settings=(f"balance={how}",)) for i, how in enumerate(["known", "estimated"])
    ]
    assert names_of(frame_of(*runs), longest=22) == [
        "proto-net (estimated)",
        "proto-net (known)",
    ]


def test_backbones_are_named_where_there_are_several() -> None:
    runs = tracked(0), tracked(1, backbone="resnet12-rfs")
    assert names_of(frame_of(*runs)) == ["proto-net (conv4-64)", "proto-net (resnet12-rfs)"]
