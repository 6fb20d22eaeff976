"""Who is compared with whom, in what order and over which episodes, stated pair by pair."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.report.comparison import Comparison, compare_runs
from fewshot_bench.report.paired_cells import by_seed
from fewshot_bench.report.streams import stream_of, with_shortened
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked

N = 20
LEVELS = {"maml": 0.4, "tim": 0.6, "r2d2": 0.5, "anil": 0.45}


def run(minute: int, method: str, **facts: Any) -> TrackedRun:
    return tracked(minute, **{"method": method, "n_episodes": N, "mean": LEVELS[method], **facts})


RUNS = [run(i, method) for i, method in enumerate(LEVELS)]


def compare(runs: Sequence[TrackedRun], *names: str, **asked: Any) -> Comparison:
    levels = {each.run_id: LEVELS[each.method] for each in runs}
    spread = {"maml": 3, "tim": 5, "r2d2": 7, "anil": 2}  # each method has hard episodes elsewhere
    periods = {each.run_id: spread[each.method] for each in runs}

    def episodes(run_id: str) -> NDArray[np.float64]:
        places = np.arange(2 * N)
        easy: NDArray[np.float64] = 0.02 * (places % periods[run_id] == 0)
        return levels[run_id] + easy

    return compare_runs(runs, episodes, names, **asked)


def pairs(told: Comparison) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in told.pairs]


def test_those_asked_for_come_in_that_order_and_all_others_by_their_mean() -> None:
    assert pairs(compare(RUNS, "r2d2", "maml", "tim")) == [("r2d2", "maml"), ("r2d2", "tim")]
    assert pairs(compare(RUNS, "maml")) == [("maml", m) for m in ("tim", "r2d2", "anil")]
    every = compare(RUNS, "maml", "tim", "r2d2", every_pair=True)
    assert pairs(every) == [("maml", "tim"), ("maml", "r2d2"), ("tim", "r2d2")]


def test_what_is_asked_for_alone_and_every_pair() -> None:
    told = compare(RUNS, "maml", every_pair=True)
    assert pairs(told) == [
        *(("maml", "tim"), ("maml", "r2d2"), ("maml", "anil")),
        *(("tim", "r2d2"), ("tim", "anil"), ("r2d2", "anil")),
    ]
    assert [told.margin, told.transductive, told.shortened, told.ranks, told.ranked] == [
        *(None, (), False, None, ())
    ]
    assert {pair.p_equivalent for pair in told.pairs} == {None}


def test_backbones_are_told_where_there_are_several_and_never_mixed() -> None:
    runs = [
        *RUNS[:2],
        *(run(10 + i, m, backbone="resnet12") for i, m in enumerate(("maml", "tim"))),
        run(20, "r2d2", backbone="resnet12"),
    ]
    assert pairs(compare(runs, "maml", "tim")) == [
        ("maml on conv4-64", "tim on conv4-64"),
        ("maml on resnet12", "tim on resnet12"),
    ]
    assert pairs(compare(runs[:2], "maml", "tim")) == [("maml", "tim")]


def test_a_pair_says_where_and_from_which_runs() -> None:
    runs = [*RUNS[:2], run(5, "tim", seed=1)]
    (pair,) = compare(runs, "tim", "maml", margin=0.5).pairs
    assert pair.column == "cifar-fs 1-shot"
    assert pair.run_ids == ((runs[1].run_id, runs[2].run_id), (runs[0].run_id,))
    assert pair.found.n_seeds == (2, 1)
    assert pair.found.n_episodes == N
    # 0.2, and 4 episodes of 20 against 7 are easier by 0.02
    assert pair.found.difference == pytest.approx(0.2 + 0.02 * (4 - 7) / 20)
    assert pair.p_equivalent is not None
    assert pair.p_equivalent < 0.05
    assert pair.verdict == "better, within the margin"


def test_columns_are_those_that_have_a_pair() -> None:
    runs = [*RUNS[:2], run(10, "maml", n_shot=5), run(11, "maml", n_shot=10)]
    runs.append(run(12, "tim", n_shot=10))
    told = compare(runs, "maml", "tim", margin=0.01)
    assert [column["label"] for column in told.columns] == ["1-shot", "10-shot"]
    assert [pair.column for pair in told.pairs] == ["cifar-fs 1-shot", "cifar-fs 10-shot"]
    assert told.margin == 0.01


def test_transductive_rows_are_named_once_if_they_are_compared() -> None:
    sib = {"setting": "transductive"}
    runs = [
        *(run(k, "tim", n_shot=k, **sib) for k in (1, 5)),
        *(run(10 + k, "maml", n_shot=k) for k in (1, 5)),
        run(20, "r2d2", n_way=20, **sib),
    ]
    assert compare(runs, "maml").transductive == ("tim",)


def test_ranks_take_two_columns_and_three_rows() -> None:
    shots = [run(10 * k + i, m, n_shot=k) for k in (1, 5) for i, m in enumerate(LEVELS)]
    told = compare(shots, "tim", "maml", "r2d2")
    assert told.ranks is not None
    assert dict(zip(told.ranked, told.ranks.average, strict=True)) == {
        "tim": 1,
        "r2d2": 2,
        "maml": 3,
    }
    assert told.ranks.n_columns == 2
    assert compare(shots, "tim", "maml").ranks is None
    assert compare(shots[:4], "tim", "maml", "r2d2").ranked == ()
    lacking = [each for each in shots if (each.method, each.n_shot) != ("anil", 5)]
    assert compare(lacking, "tim").ranked == ("tim", "r2d2", "maml")


def test_of_one_stream_the_longest_column_alone_is_ranked() -> None:
    long = [run(i, m, n_episodes=2 * N) for i, m in enumerate(LEVELS) if m != "anil"]
    told = compare([*long, run(30, "anil")], "tim")
    assert told.shortened
    assert told.ranks is None  # the shorter one is no second column
    assert [column["n_episodes"] for column in told.columns] == [N, 2 * N]
    assert {(pair.second, pair.found.n_episodes) for pair in told.pairs} == {
        *(("maml", 2 * N), ("r2d2", 2 * N), ("anil", N))
    }


def test_seeds_that_have_fewer_episodes_are_compared_beside_those_that_have_more() -> None:
    """Of both methods seed 0 has all episodes, and seed 1 the first of them."""
    both = ("maml", "tim")
    whole = [run(i, method, n_episodes=2 * N) for i, method in enumerate(both)]
    told = compare([*whole, *(run(10 + i, m, seed=1) for i, m in enumerate(both))], "tim", "maml")
    found = {(pair.found.n_episodes, pair.found.n_seeds) for pair in told.pairs}
    assert found == {(2 * N, (1, 1)), (N, (2, 2))}
    again = [*whole, *(run(10 + i, method) for i, method in enumerate(both))]
    (pair,) = compare(again, "tim", "maml").pairs  # the same seed: the longer of its runs
    assert pair.found.n_episodes == 2 * N


def test_a_run_is_shortened_to_each_length_of_its_stream() -> None:
    long = tracked(0, n_episodes=6, mean=0.9, n_shot=1)
    short = tracked(1, n_episodes=2, method="tim")
    others = [
        tracked(2, n_episodes=2, episode_seed=1),
        tracked(3, n_episodes=4, n_shot=5),
        tracked(4, n_episodes=4, split="val"),
    ]

    def episodes(run_id: str) -> NDArray[np.float64]:
        return np.array([0.1, 0.3, 1, 1, 1, 1])

    first, *rest, copy = with_shortened([long, short, *others], episodes)
    assert [first, *rest] == [long, short, *others]
    assert (copy.run_id, copy.n_episodes, copy.mean) == (long.run_id, 2, 0.2)
    assert copy.episode_digest == short.episode_digest
    assert copy.ci95 == long.ci95
    doubtful = tracked(5, n_episodes=2, episode_digest="f" * 64)
    assert with_shortened([long, short, doubtful], episodes) == [long, short, doubtful]


def test_columns_of_a_stream_differ_in_the_number_of_episodes_alone() -> None:
    one, other = (compare([run(0, "tim", n_episodes=n), run(1, "maml", n_episodes=n)], "tim")
                  for n in (N, N - 5))  # fmt: skip
    (a,), (b,) = one.columns, other.columns
    assert stream_of(a) == stream_of(b)
    assert stream_of({**a, "n_query": 1}) != stream_of(a)


def test_a_cell_has_as_many_episodes_as_its_column() -> None:
    cell: dict[Any, Any] = {"seeds": (3, 5), "run_ids": ("a", "b"), "n_episodes": 2}
    cell["episode_digest"] = "e"
    found = by_seed(cell, {"a": np.array([1.0, 0, 0]), "b": np.array([0.5, 1, 1])}.__getitem__)
    assert {seed: each.accuracies.tolist() for seed, each in found.items()} == {
        3: [1, 0],
        5: [0.5, 1],
    }
    assert {each.episode_digest for each in found.values()} == {"e"}


def test_what_shares_no_column_is_refused_by_its_names() -> None:
    with pytest.raises(UsageError, match="tim and maml share no column of a table"):
        compare([run(0, "tim"), run(1, "maml", n_way=20)], "tim", "maml")
