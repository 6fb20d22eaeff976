"""The answer in sentences: each says what the numbers say."""

from dataclasses import replace

import pytest

from fewshot_bench.report.study_page.answer import answer, listed, question
from fewshot_bench.tracking.measurement import Measurement
from tests.report.study_page.contents import judged, run, study


def said(runs: list[Measurement]) -> list[str]:
    return [f"{each.where}: {each.text}" for each in answer(judged(runs))]


def test_what_was_asked_is_told_from_the_runs() -> None:
    asked = (
        "Which of 3 methods best recognises new classes of cifar-fs from 1 and 5 labelled images "
        "of each, on the backbone conv4-64, also where queries are not balanced?"
    )
    assert question(judged(study())) == asked
    alone = question(judged([run("tim", 0.7)]))
    assert alone.startswith("How well does tim recognise new classes of cifar-fs from 1 labelled")


def test_three_sentences_fewest_shots_most_shots_imbalance() -> None:
    verdicts = judged(study())
    first, second, third = said(study())
    best, (next_, *_) = verdicts[0].best, verdicts[0].rivals[1:]
    assert first.startswith(f"cifar-fs, 5-way, 1 shot: {best['method']} is best with ")
    assert f"{100 * best['mean']:.2f} ± {100 * best['ci95']:.2f} %" in first
    assert next_.cell["method"] in first
    assert second.startswith("cifar-fs, 5-way, 5 shots: ")
    there = {r.cell["method"]: r.cell["mean"] for r in verdicts[2].rivals}
    lost = 100 * (best["mean"] - there[best["method"]])
    assert third.startswith("cifar-fs, 5-way, 1 shot, queries dirichlet:2: Where classes have")
    assert f"tim is best with {100 * there['tim']:.2f}" in third
    assert f"bpa, the best on balanced ones, loses {lost:.2f} points." in third


def test_a_clear_winner_is_ahead_of_the_next_and_a_close_one_is_not() -> None:
    (clear, gap) = said([run("bpa", 0.8, 1), run("tim", 0.7, 2), run("maml", 0.5, 3)])
    assert " points (p < 0.001) above tim, the next." in clear
    assert "Seeing the unlabelled queries of an episode together is worth " in gap
    assert "the best inductive method is maml" in gap
    (close, _) = said([run("bpa", 0.75, 1), run("tim", 0.75, 2), run("maml", 0.5, 3)])
    assert ", not significantly better than " in close
    assert " points (p < 0.001) above maml." in close


def test_one_method_and_methods_without_episodes() -> None:
    (alone,) = said([run("maml", 0.5)])
    assert alone.endswith("; nothing else was measured.")
    verdicts = [replace(v, told=False) for v in judged(study()[:3])]
    assert answer(verdicts)[0].text.endswith("not compared in pairs.")


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed(names: list[str], text: str) -> None:
    assert listed(names) == text
