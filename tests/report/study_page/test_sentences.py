"""Every sentence that an answer can have, to the letter, of verdicts made by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from fewshot_bench.report.study_page.answer import (
    answer,
    main_columns,
    ordered,
    p_text,
    percent,
    question,
)
from fewshot_bench.report.study_page.verdicts import Rival, Verdict
from tests.report.test_comparison_text import FOUND

COLUMN: dict[Any, Any] = {
    "dataset": "fc100",
    "data_checksum": "d",
    "train_dataset": "",
    "train_checksum": "",
    "split": "test",
    "n_way": 5,
    "n_query": 15,
    "query_balance": "balanced",
    "n_query_way": 0,
    "n_episodes": 60,
    "n_shot": 1,
}
CLEAR, CLOSE = 0.0004, 0.05


def rival(
    method: str, mean: float, p: float | None = None, gap: float = 0.0, **facts: Any
) -> Rival:
    cell: dict[Any, Any] = {
        "method": method,
        "variant": "",
        "backbone": "conv4-64",
        "setting": "inductive",
    }
    behind = None if p is None else replace(FOUND, difference=gap)
    return Rival(cell | {"mean": mean, "ci95": 0.004} | facts, behind, p)


BEST = rival("tim", 0.7)


def verdict(*rivals: Rival, told: bool = True, **facts: Any) -> Verdict:
    return Verdict(COLUMN | facts, rivals, told)


def said(*verdicts: Verdict) -> list[str]:
    return [f"{each.where}: {each.text}" for each in answer(verdicts)]


WHERE = "fc100, 5-way, 1 shot: "
HEAD = f"{WHERE}tim is best with 70.00 ± 0.40 %, "


def test_who_is_best() -> None:
    maml = rival("maml", 0.6, CLEAR, 0.1)
    assert said(verdict(BEST)) == [f"{WHERE}tim reaches 70.00 ± 0.40 %; nothing else was measured."]
    assert said(verdict(BEST, maml, told=False)) == [
        f"{HEAD}10.00 points above maml, not compared in pairs."
    ]
    assert said(verdict(BEST, maml, rival("r2d2", 0.5, CLEAR, 0.2))) == [
        f"{HEAD}10.00 ± 0.50 points (p < 0.001) above maml, the next."
    ]
    close = rival("anil", 0.69, CLOSE, 0.01)
    assert said(verdict(BEST, close)) == [f"{HEAD}not significantly better than anil."]
    assert said(verdict(BEST, close, maml, rival("r2d2", 0.5, CLEAR, 0.2))) == [
        f"{HEAD}not significantly better than anil, and 10.00 ± 0.50 points (p < 0.001) above maml."
    ]


@pytest.mark.parametrize(
    ("n", "names"),
    [(2, "m1 and m2"), (4, "m1, m2, m3 and m4"), (6, "m1, m2, m3, m4 and 2 more")],
)
def test_four_that_may_be_as_good_are_named(n: int, names: str) -> None:
    level = [rival(f"m{i}", 0.69, CLOSE) for i in range(1, n + 1)]
    assert said(verdict(BEST, *level)) == [f"{HEAD}not significantly better than {names}."]


def test_the_fewest_and_the_most_shots_are_told() -> None:
    found = said(*(verdict(BEST, n_shot=k, train_dataset="omniglot") for k in (5, 10, 1)))
    assert [each.partition(": ")[0] for each in found] == [
        "fc100 (trained on omniglot), 5-way, 1 shot",
        "fc100 (trained on omniglot), 5-way, 10 shots",
    ]


def test_what_imbalanced_queries_change() -> None:
    other: dict[str, Any] = {"query_balance": "dirichlet:2"}
    maml = rival("maml", 0.75)
    lead = (
        "fc100, 5-way, 1 shot, queries dirichlet:2: Where classes have unequally many queries, "
        "maml is best with 75.00 ± 0.40 %; tim, the best on balanced ones, "
    )
    main = verdict(BEST, rival("maml", 0.6, CLEAR))
    assert said(main, verdict(maml, rival("tim", 0.5), **other))[1:] == [
        f"{lead}loses 20.00 points."
    ]
    assert said(main, verdict(maml, rival("tim", 0.72), **other))[1:] == [
        f"{lead}gains 2.00 points."
    ]
    assert said(main, verdict(maml, rival("tim", 0.7), **other))[1:] == [
        f"{lead}loses 0.00 points."
    ]
    assert said(main, verdict(maml, rival("anil", 0.5), **other))[1:] == [
        f"{lead}was not measured there."
    ]
    (same,) = said(main, verdict(rival("tim", 0.5), maml, **other))[1:]
    assert same.endswith("tim is best with 50.00 ± 0.40 %, as it is on balanced ones.")
    assert said(main, verdict(maml, **other))[1:] == []  # one alone is no comparison
    assert said(main, verdict(maml, BEST, **other, n_shot=5))[1:] == []
    assert said(verdict(BEST, maml, **other), verdict(BEST, maml, query_balance="x"))[1:] == []


def test_what_unlabelled_queries_are_worth() -> None:
    best = rival("tim", 0.7, setting="transductive")
    text = (
        f"{WHERE}Seeing the unlabelled queries of an episode together is worth 10.00{{}} points: "
        "the best inductive method is maml with 60.00 ± 0.40 %."
    )
    maml = rival("maml", 0.6, CLEAR)
    assert said(verdict(best, maml, rival("r2d2", 0.5, CLEAR)))[1:] == [text.format(" ± 0.50")]
    assert said(verdict(best, rival("maml", 0.6), told=False))[1:] == [text.format("")]
    assert said(verdict(best, rival("pt-map", 0.5, CLEAR, setting="transductive")))[1:] == []
    assert said(verdict(BEST, rival("pt-map", 0.5, CLEAR, setting="transductive")))[1:] == []


def test_the_question() -> None:
    one = verdict(BEST)
    assert question([one]) == (
        "How well does tim recognise new classes of fc100 from 1 labelled image of each, on the "
        "backbone conv4-64?"
    )
    several = [
        verdict(BEST, rival("maml", 0.5, backbone="resnet12"), n_shot=5),
        verdict(BEST, n_shot=2, dataset="cub", query_balance="dirichlet:2"),
    ]
    assert question(several) == (
        "Which of 2 methods best recognises new classes of cub and fc100 from 2 and 5 labelled "
        "images of each, on the backbones conv4-64 and resnet12, also where queries are not "
        "balanced?"
    )
    assert question(several[1:]).endswith("2 labelled images of each, on the backbone conv4-64, "
                                          "where queries are not balanced?")  # fmt: skip


def test_main_columns_come_first_then_those_of_most_cells() -> None:
    few, many = verdict(BEST), verdict(BEST, BEST, n_shot=5)
    imbalanced = verdict(BEST, BEST, BEST, BEST, query_balance="dirichlet:2")
    ways = verdict(BEST, BEST, n_way=20)
    again = verdict(BEST, BEST, BEST, n_shot=1)
    every = [ways, imbalanced, many, few, again]
    assert main_columns(every) == [again, many]
    assert ordered(every) == [again, many, imbalanced, ways, few]
    assert main_columns([imbalanced]) == [imbalanced]


def test_numbers_of_a_sentence() -> None:
    assert percent({"mean": 0.12345, "ci95": math.nan}) == "12.35 %"
    assert percent({"mean": 0.5, "ci95": 0.00123}) == "50.00 ± 0.12 %"
    assert [p_text(p) for p in (0.00099, 0.001, 0.0455)] == ["p < 0.001", "p = 0.001", "p = 0.045"]


def test_of_the_verdict_on_one() -> None:
    worse, level = rival("a", 0.5, 0.049), rival("b", 0.5, 0.05)
    assert (worse.is_worse, level.is_worse, BEST.is_worse) == (True, False, False)
    assert verdict(BEST, worse, level).level == (level,)
    assert verdict(BEST, worse, level, told=False).level == ()
    assert Rival(BEST.cell) == BEST
