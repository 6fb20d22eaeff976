"""Advice: who is compared with whom, who is measured on test, and what is said of it."""

import shlex
from typing import Any

import numpy as np
import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.advice import Rated, advice, command, finalists, rated
from fewshot_bench.runs.request import Request
from fewshot_bench.statistics.paired import compare
from tests.synthetic import make_result

PLAIN = "simple-shot"


def record(method: str, mean: float, setting: str = "inductive", **config: Any) -> RunRecord:
    """A run of 50 episodes around a mean."""
    noise = 0.02 * np.random.default_rng([ord(c) for c in method]).standard_normal(50)
    result = make_result((mean + noise - noise.mean()).tolist())
    facts = {"backbone": "conv4-64", "dataset": "mine", "recipe": {}, "data_checksum": "c"}
    return RunRecord(
        config=RunConfig(**{**facts, "method": method, **config}),
        result=result.model_copy(update={"setting": setting}),
    )


def test_all_are_compared_with_the_best_and_corrected_together() -> None:
    records = [record("b", 0.6), record("a", 0.9), record("c", 0.899)]
    best, second, third = rated(records)
    assert [r.record.config.method for r in (best, second, third)] == ["a", "c", "b"]
    assert (best.behind, best.gap, best.p_text) == (None, "", "")
    p = compare(records[1].result, records[2].result).p_value
    assert second.p_value == pytest.approx(p), "the largest of two is as it was"
    assert third.p_value == pytest.approx(2 * compare(records[1].result, records[0].result).p_value)
    assert third.gap.startswith("30.0 ± ")
    assert third.p_text == "p < 0.001"


def names(records: list[RunRecord]) -> list[str]:
    return [f"{r.config.method} {r.config.backbone}" for r in records]


def test_finalists_are_the_best_two_the_best_inductive_and_the_plain_one() -> None:
    trans = [record(m, x, "transductive") for m, x in (("t1", 0.9), ("t2", 0.8))]
    plain = [record(PLAIN, 0.5, backbone="resnet18"), record(PLAIN, 0.4)]
    best_first = rated([*trans, record("ind", 0.7), *plain])
    expected = ["t1 conv4-64", "t2 conv4-64", "ind conv4-64", "simple-shot conv4-64"]
    assert names(finalists(best_first, PLAIN)) == expected
    assert names(finalists(rated(plain), PLAIN)) == ["simple-shot resnet18", "simple-shot conv4-64"]


def told(*records: RunRecord) -> str:
    return " ".join(advice(rated(records, ranked=True), PLAIN))


def test_a_transductive_winner_comes_with_the_best_inductive_one() -> None:
    text = told(
        record("t1", 0.9, "transductive"),
        record("t2", 0.8, "transductive"),
        record("ind", 0.7),
        record(PLAIN, 0.6),
    )
    assert text.startswith("Take t1 on conv4-64: 90.0 ± 0.5 % on test, 500 ms an episode; better")
    assert "better than t2 on conv4-64 by 10.0 ± " in text
    assert "(p < 0.001). It is transductive: it reads all queries together." in text
    assert "come one by one, take ind on conv4-64, the best inductive one on val: 70.0" in text
    assert "The plain simple-shot on conv4-64 has 60.0 ± 0.6 %, a difference of 30.0" in text


def test_an_inductive_winner_says_so() -> None:
    text = told(record("ind", 0.9), record(PLAIN, 0.6))
    assert "It is inductive, and the best of those" in text
    assert text.count(PLAIN) == 1, "the runner-up is named once"


def test_no_difference_and_a_changed_order_are_told() -> None:
    first, second = record("a", 0.8), record("b", 0.8)
    assert "do not tell it from b on conv4-64 (0.0 ± " in told(first, second)
    assert "on test b on conv4-64 differs from it by +10.0 ± " in told(first, record("b", 0.9))


def test_one_candidate_alone() -> None:
    assert advice([Rated(record("a", 0.9))], PLAIN)[0].startswith("Take a on conv4-64: 90.0")


def test_the_command_names_what_was_not_default() -> None:
    asked = Request(methods=("a",), datasets=("mine",), preset="smoke", seeds=(3,))
    words = shlex.split(command(record("a", 0.9, dataset="my birds"), asked))
    assert words[:6] == ["fsbench", "predict", "--method", "a", "--train-dataset", "my birds"]
    assert words[words.index("--preset") + 1] == "smoke"
    assert words[words.index("--seed") + 1] == "3"
    assert "--weights" not in words
