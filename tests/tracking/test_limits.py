"""What a run can be, to the last number that is believed."""

from dataclasses import fields, replace
from math import inf, nan, nextafter
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.possible import check_possible
from fewshot_bench.tracking.reader import tracked
from fewshot_bench.tracking.record import TrackedRun
from tests.tracking.incomplete import stored

RUN = tracked(stored("one"))
COUNTS = {
    "n_way": (2, 1_000_000_000),
    "n_shot": (1, 1_000_000_000),
    "n_query": (1, 1_000_000_000),
    "n_episodes": (1, 1_000_000_000),
    "n_query_way": (0, 1_000_000_000),
    "shared_classes": (0, 1_000_000_000),
    "seed": (0, 18_446_744_073_709_551_615),
}
MOST = {
    "mean": 1.0,
    "ci95": 6.3532,
    "macro_f1": 1.0,
    "macro_f1_ci95": 6.3532,
    "calibration_error": 1.0,
    "train_seconds": 3_200_000_000.0,  # a century
    "ms_per_episode": 3_200_000_000_000.0,
}


def altered(**facts: Any) -> TrackedRun:
    return replace(RUN, **facts)


def refused(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_possible(altered(**facts))


@pytest.mark.parametrize("name", COUNTS)
def test_counts_have_both_ends(name: str) -> None:
    least, most = COUNTS[name]
    for count in (least, most):
        check_possible(altered(**{name: count}))
    for count in (least - 1, most + 1):
        refused({name: count}, f"^{name}={count} is out of range$")


@pytest.mark.parametrize("name", MOST)
def test_numbers_have_both_ends(name: str) -> None:
    for number in (0.0, MOST[name]):
        check_possible(altered(**{name: number}))
    for number in (-5e-324, nextafter(MOST[name], inf), inf, -inf):
        refused({name: number}, f"^{name}=.* is out of range$")


def test_of_one_episode_there_is_no_interval_but_a_mean() -> None:
    for name in MOST:
        if name in ("ci95", "macro_f1", "macro_f1_ci95", "calibration_error"):
            check_possible(altered(**{name: nan}))
        else:
            refused({name: nan}, f"^{name}=nan is out of range$")


def test_the_widest_interval_is_that_of_two_episodes() -> None:
    """Student's t of one degree of freedom is Cauchy's: tan(pi * 0.475) at 97.5 %."""
    from math import pi, sqrt, tan

    widest = tan(pi * 0.475) * sqrt(0.5) / sqrt(2)
    assert widest <= MOST["ci95"] < widest + 1e-4


def test_words_are_those_there_are() -> None:
    for name, words in {"setting": ("inductive", "transductive"), "split": ("test", "val")}.items():
        for word in words:
            check_possible(altered(**{name: word}))
        for word in ("", words[0].upper(), "train"):
            refused({name: word}, f"^{name}='{word}' is neither {words[0]} nor {words[1]}$")
    with pytest.raises(UsageError):
        check_possible(replace(RUN, query_balance="uneven"))


def test_data_of_its_own_have_a_name() -> None:
    check_possible(replace(RUN, train_dataset="x", train_checksum="t"))
    check_possible(replace(RUN, train_dataset="x", train_checksum=""))
    refused({"train_dataset": "", "train_checksum": "t"}, "train_dataset='' has data of its own")


TEXTS = [field.name for field in fields(TrackedRun) if field.type is str]
FIXED = ("setting", "split", "query_balance")  # one of few words anyway


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in FIXED])
def test_no_text_is_half_a_character(name: str) -> None:
    check_possible(altered(**{"train_dataset": "x", name: "é猫"}))
    refused({"train_dataset": "x", name: "a\ud800"}, "surrogates not allowed")


@pytest.mark.parametrize(
    "facts",
    [
        {"settings": ("\ud800",)},
        {"studies": ("\ud800",)},
        {"recipe": {"\ud800": "x"}},
        {"recipe": {"x": "\ud800"}},
    ],
)
def test_no_text_of_several_is_half_a_character(facts: dict[str, Any]) -> None:
    refused(facts, "surrogates not allowed")


def test_there_are_texts() -> None:
    assert len(TEXTS) >= 17


def test_what_later_versions_tell_has_a_default() -> None:
    later = {"weights": "", "episode_seed": 0, "record": "", "studies": ()}
    facts = {name: value for name, value in vars(RUN).items() if name not in later}
    assert vars(TrackedRun(**facts)) == facts | later
