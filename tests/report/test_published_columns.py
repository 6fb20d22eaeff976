"""What each column of the published numbers takes, and what a filter leaves of them."""

import re
from pathlib import Path

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.published import COLUMNS, _checked, load_published
from tests.report.test_published import GOOD, written


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("method", ["", "ssl-meta", "a2:b._c"], ["SIB", "a b", "-a"]),
        ("backbone", ["", "conv4-64", "conv4-32 conv4-64"], ["Conv4", "a  b", "a "]),
        ("settings", ["", "n_steps=3", "a.b=c d=e"], ["n_steps", "a= b", "a-b=c"]),
        ("published_as", ["SIB", "a"], ["", " SIB"]),
        ("network", ["WRN", "a b"], ["", " a"]),
        ("variant", ["", "of 32 channels"], []),
        ("dataset", ["CIFAR-FS"], ["", " a"]),
        ("ways", ["5", "20"], ["", "0", "05", "5.0"]),
        ("shots", ["1", "10"], ["", "0", "-1"]),
        ("accuracy", ["100", "10", "99.123", "100.0"], ["", "9", "101", "55.", "0.5", "1000"]),
        ("ci95", ["", "0", "0.70", "12"], [".5", "1.", "-1"]),
        ("setting", ["inductive", "transductive"], ["", "both", "ductive"]),
        ("query_balance", ["balanced", "random", "dirichlet:2.0"], ["", "dirichlet:2", "random:1"]),
        ("queries", ["", "15", "all others", "75 in all"], ["0", "all", "0 in all"]),
        ("episodes", ["", "600"], ["0", "600.0"]),
        ("pretraining", ["", "none", "classes", "classes, rotations", "images"], ["a,b", "a b"]),
        ("extra_data", ["", "val"], []),
        ("paper", ["A et al."], ["", " A"]),
        ("year", ["1999", "2020"], ["", "1899", "20", "2100"]),
        ("source_url", ["https://a.b/c", "https://a (its Table 1)", "https://a ; https://b (c)"],
         ["", "http://a", "https://a;b", "https://a; https://b", "https://a (b;c)"]),
        ("confirmed", ["yes", "no", "memory"], ["", "maybe"]),
    ],
)  # fmt: skip
def test_a_value_is_of_its_kind(column: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert _checked({column: text}, "here") == {column: text}
    for text in bad:
        with pytest.raises(UsageError, match=re.escape(f"here: '{text}' is no {column}")):
            _checked({column: text}, "here")


def test_columns_and_their_order() -> None:
    assert " ".join(COLUMNS) == (
        "method backbone settings published_as network variant dataset ways shots accuracy ci95 "
        "setting query_balance queries episodes pretraining extra_data paper year source_url "
        "confirmed"
    )


def test_ways_shots_and_years_are_numbers_and_accuracies_texts(tmp_path: Path) -> None:
    frame = load_published(written(tmp_path / "p.csv", GOOD, {**GOOD, "accuracy": "61.20"}))
    assert [*frame.columns] == [*COLUMNS]
    assert {frame[column].dtype.kind for column in ("ways", "shots", "year")} == {"i"}
    assert frame["accuracy"].tolist() == ["61.2", "61.20"]
    assert frame["ci95"].tolist() == ["", ""]
    assert load_published(written(tmp_path / "none.csv")).empty


def test_too_few_and_too_many_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    for line in ("maml,conv4-64", ",".join([*GOOD.values(), "more"])):
        path.write_text(f"{','.join(COLUMNS)}\n{line}\n")
        with pytest.raises(UsageError, match=r"p\.csv, line 2: a row has 21 values, quoted where"):
            load_published(path)
    path.write_text("")
    with pytest.raises(UsageError, match="line 1: the columns must be"):
        load_published(path)
