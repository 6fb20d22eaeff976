"""What shares a column, what is averaged, what is best."""

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.notes import COST_NOTE, DROP_NOTE
from fewshot_bench.report.table import build_table
from tests.report.samples import paper_like, tracked


def test_rows_are_grouped_by_setting_and_columns_sorted_by_shots() -> None:
    table = build_table(paper_like())
    assert [row.names for row in table.ours.rows] == [
        ("inductive", "proto-net", "conv4-64"),
        ("transductive", "ssl-meta", "conv4-64"),
    ]
    assert list(map(str, table.ours.columns)) == ["cifar-fs 1-shot", "cifar-fs 5-shot"]
    assert any("Transductive methods see" in note for note in table.notes)


def test_seeds_are_averaged_and_their_spread_is_kept_apart() -> None:
    sib = build_table(paper_like()).ours.rows[1].cells[0]
    assert sib is not None
    assert sib.text == "69.00 ± 0.40 (seeds 3, sd 1.00)"
    assert len(sib.run_ids) == 3


def test_the_best_of_each_column_is_marked_across_settings() -> None:
    rows = build_table(paper_like()).ours.rows
    best = [[cell.best for cell in row.cells if cell] for row in rows]
    assert best == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("fact", "value", "word"),
    [
        ("split", "val", "val split"),
        ("n_way", 10, "10-way"),
        ("n_query", 5, "5 queries"),
        ("query_balance", "dirichlet:2.0", "dirichlet:2.0"),
        ("n_query_way", 2, "queries of 2 classes"),
        ("n_episodes", 600, "600 episodes"),
        ("data_checksum", "e" * 64, "data eeeeeeee"),
        ("train_dataset", "omniglot", "trained on omniglot"),
        ("episode_digest", "f" * 64, "stream ffffffff"),
    ],
)
def test_another_protocol_gets_a_column_that_says_so(fact: str, value: object, word: str) -> None:
    table = build_table([tracked(0), tracked(1, mean=0.9, **{fact: value})])
    assert len(table.ours.columns) == 2 + (fact == "query_balance")  # and what it changes
    row = table.ours.rows[0]
    other = next(i for i, c in enumerate(table.ours.columns) if word in c.label)
    assert row.cells[other].text.startswith("90.00")  # type: ignore[union-attr]
    assert [c.best for c in row.cells if c][:2] == [True, True]
    columns = table.ours.columns[:2]
    assert all(any(note.startswith(f"{c}:") for note in table.notes) for c in columns)


def test_columns_of_all_and_of_some_classes_are_told_apart() -> None:
    columns = build_table([tracked(0), tracked(1, n_query_way=2)]).ours.columns
    assert {c.label for c in columns} == {
        "1-shot, queries of all classes",
        "1-shot, queries of 2 classes",
    }


def test_a_fact_that_all_columns_share_is_left_to_the_footnote() -> None:
    table = build_table([tracked(n_way=10, n_episodes=600)])
    assert str(table.ours.columns[0]) == "cifar-fs 1-shot"
    assert any(
        "10-way 1-shot, 15 queries a class (balanced), 600 test episodes" in n for n in table.notes
    )


def test_of_a_repeated_run_the_latest_counts() -> None:
    frame = cells(latest([tracked(7, mean=0.7), tracked(3, mean=0.3)]))
    assert frame["mean"].tolist() == [0.7]
    assert frame["n_seeds"].tolist() == [1]


def test_other_settings_are_another_row_not_another_seed() -> None:
    runs = [tracked(0), tracked(1, recipe={"n_steps": "0"}), tracked(2, seed=1)]
    names = [row.method for row in build_table(runs).ours.rows]
    assert names == ["proto-net (n_steps=0)", "proto-net (n_steps=3)"]


def test_settings_that_follow_the_shots_do_not_split_a_row() -> None:
    runs = [tracked(0), tracked(1, n_shot=5, recipe={"n_steps": "5"})]
    assert [row.method for row in build_table(runs).ours.rows] == ["proto-net"]


def test_many_differing_settings_are_named_by_their_preset() -> None:
    recipe = {f"setting{i}": "1" for i in range(9)}
    names = [r.method for r in build_table([tracked(0), tracked(1, recipe=recipe)]).ours.rows]
    assert all("preset default, recipe " in name for name in names)
    assert len(set(names)) == 2


def test_a_single_episode_has_no_interval() -> None:
    table = build_table([tracked(ci95=float("nan"))])
    assert table.ours.rows[0].cells[0].text == "60.00"  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["maml", "proto-net", "ssl-meta"]),
            st.sampled_from([1, 5]),
            st.sampled_from([5, 10]),
            st.integers(0, 2),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_cell_is_the_mean_of_the_latest_run_of_each_seed(
    facts: list[tuple[str, int, int, int, float]],
) -> None:
    runs = [
        tracked(i, method=m, n_shot=k, n_way=n, seed=s, mean=a)
        for i, (m, k, n, s, a) in enumerate(facts)
    ]
    expected: dict[tuple[str, int, int], dict[int, float]] = {}
    for run in runs:
        expected.setdefault((run.method, run.n_shot, run.n_way), {})[run.seed] = run.mean
    frame = cells(latest(runs))
    assert len(frame) == len(expected)
    for cell in frame.to_dict("records"):
        seeds = expected[cell["method"], cell["n_shot"], cell["n_way"]]
        assert cell["mean"] == pytest.approx(statistics.mean(seeds.values()))
        assert cell["n_seeds"] == len(cell["run_ids"]) == len(seeds)
    assert frame[frame["best"]].groupby(["n_shot", "n_way"]).ngroups == len(
        {(k, n) for _, k, n in expected}
    )


def test_rows_say_what_was_asked_for_beside_the_defaults() -> None:
    runs = [
        tracked(0, settings=("n_steps=0", "pretrain=default"), recipe={"n_steps": "0"}),
        tracked(1, method="maml", preset="smoke"),
        tracked(2, method="ssl-meta"),
    ]
    table = cells(latest(runs))
    names = dict(zip(table["method"], table["variant"], strict=True))
    assert names == {
        "proto-net": "n_steps=0, pretrain=default",
        "maml": "preset smoke",
        "ssl-meta": "",
    }


def test_what_imbalance_changes_stands_beside_it() -> None:
    imbalanced = {"query_balance": "dirichlet:2.0", "ci95": 0.003}
    runs = [
        tracked(0, mean=0.7, ci95=0.004),
        tracked(1, mean=0.62, **imbalanced),
        tracked(2, mean=0.5, method="pt-map", **imbalanced),
    ]
    table = build_table(runs)
    assert [c.label for c in table.ours.columns] == [
        "1-shot, balanced",
        "1-shot, dirichlet:2.0",
        "1-shot, dirichlet:2.0 less balanced",
    ]
    (cell,) = [row.cells[2] for row in table.ours.rows if row.cells[2]]
    assert cell.text == "-8.00 ± 0.50"  # 0.5 = root of 0.3² + 0.4²
    assert set(cell.run_ids) == {runs[0].run_id, runs[1].run_id}
    assert not cell.best
    assert DROP_NOTE in table.notes


def test_costs_are_told_if_asked_for() -> None:
    runs = [tracked(0), tracked(1, method="simple-shot", train_seconds=0.0, ms_per_episode=0.0123)]
    section = build_table(runs, cost=True).ours
    assert [c.label for c in section.columns] == ["1-shot", "1-shot, minutes", "1-shot, ms"]
    assert [c.cost for c in section.columns] == [False, True, True]
    texts = [[cell.text for cell in row.cells if cell] for row in section.rows]
    assert texts == [["60.00 ± 0.40", "1.5", "0.25"], ["60.00 ± 0.40", "0", "0.0123"]]
    untrained = build_table(runs[1:], cost=True).ours
    assert [c.label for c in untrained.columns] == ["1-shot", "1-shot, ms"]
    assert COST_NOTE in build_table(runs, cost=True).notes
    assert COST_NOTE not in build_table(runs).notes
