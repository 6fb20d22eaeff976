"""Every fact of a cell, and how rows and columns are named."""

import math
from typing import Any

import pandas as pd
import pytest

from fewshot_bench.report.cells import (
    COLUMN,
    ROW,
    cells,
    columns_of,
    in_column,
    latest,
    row_names,
)
from fewshot_bench.report.metric import CALIBRATION, MACRO_F1
from tests.report.samples import tracked

DIGEST = "e" * 64
SEEDS = [
    tracked(
        0, mean=0.5, ci95=0.004, train_seconds=90.0, ms_per_episode=0.25, episode_digest=DIGEST
    ),
    tracked(
        *(1,),
        mean=0.7,
        ci95=0.008,
        train_seconds=30.0,
        ms_per_episode=0.75,
        seed=4,
        fitted="1x1 -> 2x2",
        shared_classes=3,
        episode_digest=DIGEST,
    ),
]


def labels(*facts: dict[str, Any]) -> list[str]:
    frame = cells(latest([tracked(i, **each) for i, each in enumerate(facts)]))
    return [str(column["label"]) for column in columns_of(frame)]


def variants(*facts: dict[str, Any]) -> list[str]:
    """Names of the rows, in the order of the runs."""
    frame = latest([tracked(i, seed=i, **each) for i, each in enumerate(facts)])
    return [*frame.sort_values("order")["variant"]]


def test_a_cell_has_every_fact_of_its_runs() -> None:
    (cell,) = cells(latest(SEEDS)).to_dict("records")
    assert cell.pop("seed_sd") == pytest.approx(0.2 / math.sqrt(2))
    assert cell.pop("mean") == pytest.approx(0.6)
    assert cell.pop("ci95") == pytest.approx(0.006)
    assert cell == {
        "setting": "inductive",
        "method": "proto-net",
        "backbone": "conv4-64",
        "variant": "",
        "dataset": "cifar-fs",
        "data_checksum": "d" * 64,
        "train_dataset": "",
        "train_checksum": "",
        "split": "test",
        "n_way": 5,
        "n_query": 15,
        "query_balance": "balanced",
        "n_query_way": 0,
        "n_episodes": 2000,
        "n_shot": 1,
        "episode_digest": DIGEST,
        "n_seeds": 2,
        "seeds": (0, 4),
        "run_ids": tuple(run.run_id for run in SEEDS),
        "train_seconds": 60.0,
        "ms_per_episode": 0.5,
        "fitted": "1x1 -> 2x2",
        "shared_classes": 3,
        "recipe": {"n_steps": "3"},
        "weights": "",
        "common": "",
        "best": True,
        "label": "1-shot",
    }
    assert [*cells(latest(SEEDS))][:16] == [*ROW, *COLUMN]


def test_another_metric_takes_its_own_numbers_and_end() -> None:
    runs = [tracked(0, calibration_error=0.1), tracked(1, method="tim", calibration_error=0.2)]
    runs += [tracked(2, method="anil", calibration_error=math.nan)]
    frame = cells(latest(runs), CALIBRATION)
    assert frame[["method", "mean", "best"]].to_numpy().tolist() == [
        *(["proto-net", 0.1, True], ["tim", 0.2, False])
    ]
    assert frame["ci95"].isna().all()
    (cell,) = cells(latest(runs[:1]), MACRO_F1).to_dict("records")
    assert (cell["mean"], cell["ci95"]) == (0.58, 0.005)


def test_all_that_have_the_best_mean_are_best_and_rows_are_sorted() -> None:
    means = [("c", 0.6), ("b", 0.6), ("a", 0.5)]
    runs = [tracked(i, method=m, mean=a) for i, (m, a) in enumerate(means)]
    runs.append(tracked(5, method="a", mean=0.1, n_shot=5))
    frame = cells(latest(runs))
    assert frame[["method", "n_shot", "best"]].to_numpy().tolist() == [
        *(["a", 1, False], ["a", 5, True], ["b", 1, True], ["c", 1, True])
    ]
    assert [*frame.index] == [0, 1, 2, 3]


def test_the_order_of_runs_and_not_their_time_says_which_counts() -> None:
    runs = [tracked(9, mean=0.1, order=1), tracked(3, mean=0.9, order=2)]
    assert latest(runs)["mean"].tolist() == [0.9]
    assert latest([*reversed(runs)])["mean"].tolist() == [0.9]
    many = [tracked(i, mean=i // 20, seed=i % 20, order=i % 20 % 3) for i in range(40)]
    assert {*latest(many)["mean"]} == {1}  # of equal ones the last given


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ([{}, {"recipe": {"n_steps": "3", "lr": "1"}}], ["", "lr=1"]),
        ([{"recipe": {"b": "1", "a": "2"}}, {"recipe": {"b": "2", "a": "1"}}],
         ["a=2, b=1", "a=1, b=2"]),
        ([{"preset": "paper"}, {"preset": "default"}], ["preset paper", ""]),
        ([{"weights": "weights x-1"}], ["weights x-1"]),
        ([{"weights": "w", "preset": "paper", "settings": ("a=1",)}], ["w, preset paper, a=1"]),
        # What a setting asked for brings needs no telling: its key, and all of its section.
        ([{}, {"settings": ("n_steps=0",), "recipe": {"n_steps": "0"}}],
         ["n_steps=3", "n_steps=0"]),
        ([{}, {"settings": ("train=default",), "recipe": {"n_steps": "3", "train.lr": "1"}}],
         ["", "train=default"]),
        # Three are spelled out, four are not.
        ([{"recipe": dict.fromkeys("abc", "1")}, {"recipe": dict.fromkeys("abc", "2")}],
         ["a=1, b=1, c=1", "a=2, b=2, c=2"]),
        ([{"method": "tim"}, {"recipe": {"n_steps": "0"}}], ["", ""]),
        ([{"backbone": "resnet12"}, {"recipe": {"n_steps": "0"}}], ["", ""]),
    ],
)  # fmt: skip
def test_a_row_says_what_tells_it_from_others_of_its_method(
    facts: list[dict[str, Any]], names: list[str]
) -> None:
    assert variants(*facts) == names


def test_four_settings_are_a_recipe_of_six_digits() -> None:
    recipes = [dict.fromkeys("abcd", value) for value in "12"]
    found = variants(*({"recipe": recipe, "preset": "paper"} for recipe in recipes))
    assert [name[:-6] for name in found] == ["preset paper, recipe "] * 2
    assert found[0] != found[1]
    assert variants({"recipe": recipes[0]}, {"recipe": recipes[1]})[0].startswith("preset default,")


def test_what_was_asked_for_in_every_run_tells_no_row_from_another() -> None:
    asked = {"settings": ("b=1", "a=2"), "recipe": {"b": "1", "a": "2"}}
    alone = {"settings": ("a=2", "b=1", "c=3"), "recipe": {"b": "1", "a": "2", "c": "3"}}
    tim = {**alone, "method": "tim"}
    frame = latest([tracked(0, **asked), tracked(1, **tim)])
    assert [*frame["variant"]] == ["", "c=3"]
    assert {*frame["common"]} == {"b=1, a=2"}
    assert variants(asked, alone) == ["b=1, a=2", "a=2, b=1, c=3"]  # of one method
    assert variants(asked, tim, {"method": "anil"}) == ["b=1, a=2", "a=2, b=1, c=3", ""]


def test_names_of_a_row() -> None:
    (cell,) = cells(latest([tracked(settings=("n_steps=3",))])).to_dict("records")
    assert row_names(cell) == ("inductive", "proto-net (n_steps=3)", "conv4-64")
    assert row_names({**cell, "variant": ""}) == ("inductive", "proto-net", "conv4-64")


def test_columns_and_the_cells_of_one() -> None:
    runs = [tracked(0, n_shot=5), tracked(1), tracked(2, method="tim"), tracked(3, dataset="b")]
    frame = cells(latest(runs))
    columns = columns_of(frame)
    assert [(c["dataset"], c["label"]) for c in columns] == [
        *(("b", "1-shot"), ("cifar-fs", "1-shot"), ("cifar-fs", "5-shot"))
    ]
    found = in_column(frame, columns[1])
    assert isinstance(found, pd.DataFrame)
    assert found["method"].tolist() == ["proto-net", "tim"]


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        # What differs between data sets is no fact of a column.
        ([{"n_way": 20}, {"dataset": "b"}], ["1-shot", "1-shot"]),
        ([{"split": "val"}, {}], ["1-shot, test split", "1-shot, val split"]),
        ([{}, {"n_way": 20, "n_query": 5}],
         ["1-shot, 5-way, 15 queries", "1-shot, 20-way, 5 queries"]),
        ([{}, {"n_query_way": 2}],
         ["1-shot, queries of all classes", "1-shot, queries of 2 classes"]),
        ([{"data_checksum": "a" * 64}, {"data_checksum": "b" * 64}],
         ["1-shot, data aaaaaaaa", "1-shot, data bbbbbbbb"]),
        # As many digits as tell them apart, and not one more.
        ([{"data_checksum": "a" * 64}, {"data_checksum": "a" * 9 + "b" * 55}],
         [f"1-shot, data {'a' * 10}", "1-shot, data aaaaaaaaab"]),
        ([{"data_checksum": "a"}, {"data_checksum": "b"}], ["1-shot, data a", "1-shot, data b"]),
        ([{"episode_digest": "a" * 64}, {"episode_digest": "b" * 64}],
         ["1-shot, stream aaaaaaaa", "1-shot, stream bbbbbbbb"]),
        ([{"train_dataset": "x"}, {"train_dataset": "y", "train_checksum": "u" * 64}],
         ["1-shot, trained on x", "1-shot, trained on y"]),
        ([{"train_dataset": "x"}, {"train_dataset": "x", "train_checksum": "u" * 64}],
         ["1-shot, trained on x, training data tttttttt",
          "1-shot, trained on x, training data uuuuuuuu"]),
    ],
)  # fmt: skip
def test_a_column_says_what_tells_it_from_others_of_its_data_set(
    facts: list[dict[str, Any]], names: list[str]
) -> None:
    assert labels(*facts) == names


def test_columns_are_named_whatever_rows_stand_between_them() -> None:
    assert labels({}, {"method": "tim"}, {"n_way": 20}) == ["1-shot, 5-way", "1-shot, 20-way"]


def test_names_that_imitate_a_label_keep_columns_apart() -> None:
    one = {"train_dataset": "x", "query_balance": "b, b", "episode_digest": DIGEST}
    other = {"train_dataset": "x, b", "query_balance": "b", "episode_digest": DIGEST}
    label = "1-shot, trained on x, b, b, stream eeeeeeee"
    assert labels(one, other) == [label, f"{label}, column 2"]
