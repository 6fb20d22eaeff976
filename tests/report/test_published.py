"""The published numbers themselves: each with a source, each name of ours a registered one."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.registries import registry_of
from fewshot_bench.report.pairing import same_method
from fewshot_bench.report.published import COLUMNS, load_published
from fewshot_bench.report.selection import Selection

FRAME = load_published()
ENTRY = ["published_as", "network", "dataset", "ways", "shots", "setting", "query_balance", "paper"]
GOOD = {
    **dict.fromkeys(COLUMNS, ""),
    "published_as": "A Net",
    "network": "Conv-4",
    "dataset": "CIFAR-FS",
    "ways": "5",
    "shots": "1",
    "accuracy": "61.2",
    "setting": "inductive",
    "query_balance": "balanced",
    "paper": "A et al.",
    "year": "2020",
    "source_url": "https://example.org/a ; https://example.org/b (its Table 1)",
    "confirmed": "yes",
}


def written(path: Path, *rows: dict[str, str]) -> Path:
    lines = [",".join(COLUMNS), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["method", "backbone"])
def test_the_mapping_names_only_what_is_registered(kind: str) -> None:
    things = registry_of(kind)
    names = set(" ".join(FRAME[kind]).split())
    assert len(names) > 5
    assert names <= set(things)  # and no alias


def test_the_settings_are_those_of_the_method() -> None:
    methods = registry_of("method")
    for row in FRAME[FRAME["settings"] != ""].to_dict("records"):
        names = {setting.partition("=")[0] for setting in row["settings"].split()}
        assert names <= set(methods[row["method"]].recipe_type.model_fields)


def test_every_row_is_there_once_and_has_its_source() -> None:
    assert len(FRAME) > 300
    assert not FRAME.duplicated([*ENTRY, "year", "settings", "extra_data"]).any()
    assert FRAME["source_url"].str.match(r"https://[\w.-]+/\S+").all()
    assert FRAME["accuracy"].astype(float).between(20, 100).all()


def test_protocols_are_not_mixed_up() -> None:
    by_balance = FRAME.groupby("query_balance")["published_as"].unique()
    assert "alpha-TIM" in by_balance["dirichlet:2.0"]
    assert not FRAME["published_as"].str.contains("irichlet").any()
    trained_on_val = FRAME["published_as"].str.contains("train+val", regex=False)
    assert (FRAME.loc[trained_on_val, "extra_data"] == "val").all()


@pytest.mark.parametrize(
    ("name", "one", "five"),
    [("AIM", "71.09", "80.48"), ("MetaQDA", "75.83", "88.79"), ("PTMAP-SF-BPA", "89.94", "92.83")],
)
def test_the_strongest_of_today_are_there(name: str, one: str, five: str) -> None:
    rows = FRAME[(FRAME["published_as"] == name) & (FRAME["dataset"] == "CIFAR-FS")]
    numbers = rows.groupby("shots")["accuracy"].agg(list)
    assert one in numbers[1]
    assert five in numbers[5]


def test_a_setting_makes_it_theirs() -> None:
    rows = FRAME[FRAME["published_as"].isin(["SIB (K=0)", "SIB (K=3)"])].to_dict("records")
    recipe = {"n_steps": "3"}
    ours: dict[Hashable, Any] = {"method": "ssl-meta", "backbone": "conv4-64", "recipe": recipe}
    assert {row["published_as"] for row in rows if same_method(ours, row)} == {"SIB (K=3)"}
    assert not any(same_method({**ours, "backbone": "conv4-32"}, row) for row in rows)
    equation = {**rows[0], "settings": "where=a=b"}
    assert same_method({**ours, "recipe": {"where": "a=b"}}, equation)
    assert not same_method({**ours, "recipe": {"where": "a"}}, equation)


def test_the_filters_of_the_table_hold_for_theirs() -> None:
    names = {"method": ("SIB", "Proto_Net"), "backbone": ("c64f",), "dataset": ()}
    shown = Selection(names).of_published(FRAME)
    assert set(shown["method"]) == {"ssl-meta", "proto-net"}
    assert set(shown["backbone"]) == {"conv4-64"}
    assert Selection({}).of_published(FRAME).equals(FRAME)


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    frame = load_published(written(tmp_path / "p.csv", GOOD))
    assert frame.to_dict("records") == [{**GOOD, "ways": 5, "shots": 1, "year": 2020}]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source_url": ""}, "'' is no source_url"),
        ({"source_url": "seen in a talk"}, "'seen in a talk' is no source_url"),
        ({"accuracy": "0.612"}, "'0.612' is no accuracy"),
        ({"accuracy": "612"}, "'612' is no accuracy"),
        ({"accuracy": "sixty"}, "'sixty' is no accuracy"),
        ({"queries": "some"}, "'some' is no queries"),
        ({"query_balance": "dirichlet"}, "'dirichlet' is no query_balance"),
        ({"paper": "A, B and C"}, "a row has 21 values, quoted where they hold commas"),
    ],
)
def test_a_malformed_row_names_file_and_line(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    path = written(tmp_path / "p.csv", GOOD, {**GOOD, **changes})
    with pytest.raises(UsageError, match=re.escape(f"{path}, line 3: {words}")) as caught:
        load_published(path)
    assert "\n" not in str(caught.value)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("method,accuracy\nmaml,50\n")
    with pytest.raises(UsageError, match=r"p\.csv, line 1: the columns must be method, backbone"):
        load_published(path)
