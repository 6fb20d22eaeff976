"""Comparisons of tracked runs: who is compared with whom, and how it is told."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report import comparison_text
from fewshot_bench.report.comparison import Comparison, compare_runs
from fewshot_bench.report.paired_cells import Accuracies
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from tests.markdown import markdown_rows
from tests.report.samples import tracked

N = 60
SIB = {"method": "ssl-meta", "setting": "transductive"}
SPREAD = np.tile([-2, 0, 2], N // 3)  # of a method, in an order of its own
HARD = np.random.default_rng(0).integers(20, 50, N)


def measured(runs: list[TrackedRun], gains: dict[str, int]) -> Accuracies:
    """Right answers of 75, of episodes that are hard for all; a gain of each method."""
    by_id = {run.run_id: run for run in runs}

    def accuracies(run_id: str) -> NDArray[np.float64]:
        run = by_id[run_id]
        rng = np.random.default_rng([run.seed, len(run.method)])
        right: NDArray[np.float64] = HARD + gains.get(run.method, 0) + rng.permutation(SPREAD)
        return right / 75

    return accuracies


RUNS = [
    *(tracked(k, n_shot=k, n_episodes=N, mean=0.5) for k in (1, 5)),
    *(tracked(10 + k, n_shot=k, n_episodes=N, mean=0.6, **SIB) for k in (1, 5)),
    *(tracked(20 + k, n_shot=k, n_episodes=N, mean=0.51, method="r2d2") for k in (1, 5)),
    tracked(30, n_shot=1, n_episodes=N, mean=0.55, method="tim"),
]
EPISODES = measured(RUNS, {"ssl-meta": 8, "tim": 4})


def told(*methods: str, runs: list[TrackedRun] = RUNS, **asked: object) -> Comparison:
    return compare_runs(runs, EPISODES, methods, **asked)  # type: ignore[arg-type]


def test_the_first_is_compared_with_each_other_one_in_each_column_of_both() -> None:
    found = told("SIB", "proto_net", "tim")
    pairs = [(p.column, p.first, p.second) for p in found.pairs]
    assert pairs == [
        ("cifar-fs 1-shot", "ssl-meta", "proto-net"),
        ("cifar-fs 1-shot", "ssl-meta", "tim"),
        ("cifar-fs 5-shot", "ssl-meta", "proto-net"),
    ]
    assert [p.verdict for p in found.pairs] == ["better"] * 3
    assert found.transductive == ("ssl-meta",)
    smallest = min(p.found.p_value for p in found.pairs)
    assert min(p.p_value for p in found.pairs) == pytest.approx(3 * smallest)
    assert found.pairs[0].run_ids == ((RUNS[2].run_id,), (RUNS[0].run_id,))


def test_one_alone_is_compared_with_all_and_pairs_are_all_with_all() -> None:
    assert {p.second for p in told("ssl-meta").pairs} == {"proto-net", "r2d2", "tim"}
    assert len(told("ssl-meta", "tim", "r2d2", every_pair=True).pairs) == 3 + 1


def test_what_was_measured_on_another_version_of_the_data_is_never_a_pair() -> None:
    """Of one name, shape and so of the same stream of episodes, but other images."""
    ours, theirs = RUNS[0], replace(RUNS[6], data_checksum="e" * 64)
    assert ours.episode_digest == theirs.episode_digest
    assert len(told(ours.method, "tim", runs=[ours, RUNS[6]]).pairs) == 1
    with pytest.raises(UsageError, match="share no column"):
        told(ours.method, "tim", runs=[ours, theirs])


def test_what_a_margin_says() -> None:
    runs = [run for run in RUNS if run.n_shot == 1]
    again = [replace(run, run_id="again", method="anil") for run in runs[:1]]
    alike = measured([*runs, *again], {"tim": 4})

    def verdict(first: str, second: str, margin: float | None) -> str:
        (pair,) = compare_runs([*runs, *again], alike, [first, second], margin=margin).pairs
        return pair.verdict

    assert verdict("anil", "proto-net", None) == "not told apart"
    assert verdict("anil", "proto-net", 0.02) == "as good"
    assert verdict("proto-net", "tim", 0.2) == "worse, within the margin"
    assert verdict("tim", "proto-net", 0.0001) == "better"


def test_ranks_are_told_of_three_rows_that_several_columns_have() -> None:
    found = told("ssl-meta", "proto-net", "r2d2")
    assert found.ranks is not None
    average = dict(zip(found.ranked, found.ranks.average, strict=True))
    assert average == {"ssl-meta": 1.0, "r2d2": 2.0, "proto-net": 3.0}
    assert told("ssl-meta", "proto-net").ranks is None


def test_seeds_are_a_level_of_their_own() -> None:
    seeds = [tracked(40 + s, n_episodes=N, seed=s, mean=0.6, **SIB) for s in range(3)]
    runs = [RUNS[0], *seeds]
    (pair,) = compare_runs(runs, measured(runs, {"ssl-meta": 8}), ["sib", "proto-net"]).pairs
    assert pair.found.n_seeds == (3, 1)
    assert pair.run_ids[0] == tuple(run.run_id for run in seeds)
    several = compare_runs(runs, measured(runs, {}), ["sib", "proto-net"])
    assert markdown_rows(comparison_text.markdown(several))[2][-2] == "3, 1"
    assert "Seeds" not in comparison_text.headings(told("sib", "r2d2"))
    assert any("One alone has no spread" in note for note in comparison_text.notes(several))


def test_runs_of_more_episodes_are_compared_on_the_first_of_them() -> None:
    """Heads are measured on 10,000 episodes, what adapts its network on the first 2,000."""
    few = [tracked(60, n_episodes=40, method="maml", mean=0.4)]
    runs = [*RUNS, *few]
    with pytest.raises(UsageError, match="share no column"):
        told("maml", "tim", runs=[replace(few[0], episode_seed=1), *RUNS])
    found = compare_runs(
        runs,
        lambda i: EPISODES(i) if i != few[0].run_id else HARD[:40] / 75,
        ["tim", "maml", "proto-net"],
    )
    pairs = {(p.column, p.second): p.found.n_episodes for p in found.pairs}
    assert pairs == {
        ("cifar-fs 1-shot, 40 episodes", "maml"): 40,
        ("cifar-fs 1-shot, 60 episodes", "proto-net"): 60,
    }
    gap = EPISODES(RUNS[-1].run_id)[:40] - HARD[:40] / 75
    assert found.pairs[0].found.difference == pytest.approx(gap.mean())
    assert any("more episodes are compared" in note for note in comparison_text.notes(found))
    assert not told("tim", "proto-net").shortened


def test_methods_without_a_column_in_common_are_refused() -> None:
    other = [tracked(50, n_episodes=N, method="maml", n_way=20)]
    with pytest.raises(UsageError, match="ssl-meta and maml share no column"):
        told("ssl-meta", "maml", runs=[*RUNS, *other])
    networks = [tracked(51, n_episodes=N, method="maml", backbone="resnet12")]
    with pytest.raises(UsageError, match="one backbone"):
        told("ssl-meta", "maml", runs=[*RUNS, *networks])
    with pytest.raises(UsageError, match="no finished run of method 'mamba'"):
        told("ssl-meta", "mamba")


def test_each_format_has_the_numbers() -> None:
    found = told("ssl-meta", "proto-net", "r2d2", margin=0.01)
    pair = found.pairs[0].found
    difference = f"{100 * pair.difference:+.2f} ± {100 * pair.ci95:.2f}"
    head, _, *rows = markdown_rows(comparison_text.markdown(found))
    assert head[:6] == ["Data", "First", "Second", "Difference", "p (Holm)", "p (± 1)"]
    assert rows[0][3:6] == [difference, "< 0.001", "1.000"]
    lines = list(csv.DictReader(io.StringIO(comparison_text.csv(found))))
    assert float(lines[0]["difference"]) == pytest.approx(100 * pair.difference)
    assert lines[0]["first_runs"] == RUNS[2].run_id
    document = json.loads(comparison_text.as_json(found))
    assert document["pairs"][0]["verdict"] == "better"
    assert document["ranks"]["average"]["ssl-meta"] == 1.0
    text = "\n".join(comparison_text.notes(found))
    assert "Holm's correction over 4 comparisons" in text
    assert "Average ranks over 2 columns: ssl-meta 1.00, r2d2 2.00, proto-net 3.00." in text
    assert json.loads(comparison_text.as_json(told("sib", "tim")))["ranks"] is None


def test_a_table_marks_all_that_are_not_significantly_worse() -> None:
    runs = [*RUNS[:1], replace(RUNS[0], run_id="again", method="anil", mean=0.49), RUNS[-1]]

    def marks(accuracies: Accuracies | None) -> list[bool]:
        rows = build_table(runs, accuracies=accuracies).ours.rows
        return [cell.best for row in rows for cell in row.cells if cell]

    names = [row.method for row in build_table(runs).ours.rows]
    assert names == ["anil", "proto-net", "tim"]
    assert marks(None) == [False, False, True]
    assert marks(measured(runs, {})) == [True, True, True]
    assert marks(measured(runs, {"tim": -4})) == [True, True, False]
    notes = build_table(runs, accuracies=measured(runs, {})).notes
    assert any(note.startswith("Bold: the highest mean of each column, and all") for note in notes)


def test_where_episodes_are_not_at_hand_the_highest_alone_is_bold_and_that_is_told() -> None:
    def absent(run_id: str) -> NDArray[np.float64]:
        raise UsageError("they are gone")

    table = build_table(RUNS, accuracies=absent)
    columns = zip(*(row.cells for row in table.ours.rows), strict=True)
    assert [sum(bool(cell and cell.best) for cell in column) for column in columns] == [1, 1]
    words = "not at hand: cifar-fs 1-shot (they are gone); cifar-fs 5-shot"
    assert any(words in note for note in table.notes)
