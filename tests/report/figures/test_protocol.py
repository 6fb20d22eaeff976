"""One protocol in a figure, told in its caption."""

from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.protocol import caption_of, names_of, require_one
from tests.report.figures.drawn import SIB, frame_of
from tests.report.samples import tracked


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"n_shot": 5}, "2 shots (1, 5); choose one with --shots"),
        ({"n_way": 20}, "2 ways (5, 20); choose one with --ways"),
        ({"query_balance": "dirichlet:2"}, "(balanced, dirichlet:2); choose one with --query-bal"),
        ({"n_query": 5}, "2 numbers of queries (5, 15); choose one with --queries"),
        ({"n_episodes": 600}, "2 numbers of episodes (600, 2000); choose one with --episodes"),
        ({"dataset": "fc100"}, "2 data sets (cifar-fs, fc100); choose one with --dataset"),
        ({"backbone": "resnet12-rfs"}, "2 backbones (conv4-64, resnet12-rfs); choose one with"),
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


def test_each_row_has_a_name_of_its_own_however_long_its_settings_are() -> None:
    text = "train.schedule=constant"
    runs = [
        tracked(i, settings=(f"x={i}", text), recipe={"x": str(i)}, method=method)
        for i, method in enumerate(["proto-net", "proto-net", "proto-net", "tim"])
    ]
    found = names_of(frame_of(*runs), longest=24)
    assert len(set(found)) == 4
    assert found[:2] == ["proto-net (…le=constant)", "proto-net (…le=constant 2)"]


def test_of_a_long_name_the_value_is_told() -> None:
    runs = [
        tracked(i, settings=(f"balance={how}",)) for i, how in enumerate(["known", "estimated"])
    ]
    assert names_of(frame_of(*runs), longest=22) == [
        "proto-net (…estimated)",
        "proto-net (…nce=known)",
    ]


def test_backbones_are_named_where_there_are_several() -> None:
    runs = tracked(0), tracked(1, backbone="resnet12-rfs")
    assert names_of(frame_of(*runs)) == ["proto-net (conv4-64)", "proto-net (resnet12-rfs)"]
