"""Published numbers beside ours: theirs, ours, the difference, and in what the protocols differ."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.report.formats import render
from fewshot_bench.report.notes import NONE_PUBLISHED_NOTE
from fewshot_bench.report.section import Row
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from tests.markdown import markdown_rows
from tests.report.samples import tracked

THEIRS = {
    "method": "proto-net",
    "backbone": "conv4-64",
    "settings": "",
    "published_as": "Prototypical Net",
    "network": "Conv-4-64",
    "variant": "",
    "dataset": "CIFAR-FS",
    "ways": 5,
    "shots": 1,
    "accuracy": "55.5",
    "ci95": "0.7",
    "setting": "inductive",
    "query_balance": "balanced",
    "queries": "15",
    "episodes": "2000",
    "pretraining": "classes",
    "extra_data": "",
    "paper": "Snell et al., NeurIPS 2017",
    "year": 2017,
    "source_url": "https://example.org/snell",
    "confirmed": "yes",
}
PRETRAINED = {"recipe": {"pretrain.epochs": "40", "pretrain.rotation": "0.0", "n_steps": "3"}}
OTHER = {"method": "", "published_as": "Theirs Alone", "accuracy": "70", "ci95": ""}
IMBALANCED = {"query_balance": "dirichlet:2.0"}


def published(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{**THEIRS, **change} for change in changes])


def rows(runs: Sequence[TrackedRun], *changes: dict[str, Any]) -> list[Row]:
    return list(build_table(runs, published=published(*changes)).ours.rows)


def texts(row: Row) -> list[str]:
    return [cell.text if cell else "" for cell in row.cells]


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_theirs_ours_and_the_difference_stand_in_one_row() -> None:
    runs = [tracked(0, mean=0.6176, **PRETRAINED), tracked(1, n_shot=5, mean=0.7, **PRETRAINED)]
    fives = {"shots": 5, "accuracy": "72.0", "ci95": "", "confirmed": "memory"}
    table = build_table(runs, published=published({}, fives))
    one = ["1-shot", "1-shot, published", "1-shot, difference"]
    assert [c.label for c in table.ours.columns] == [*one, *(c.replace("1", "5") for c in one)]
    (row,) = table.ours.rows
    assert texts(row) == ["61.76 ± 0.40", "55.5 ± 0.7", "+6.26", "70.00 ± 0.40", "72.0*", "-2.00"]
    assert row.names == ("inductive", "proto-net", "conv4-64")
    assert (row.published_as, row.differs) == ("Prototypical Net", "")
    assert row.source == "Snell et al., NeurIPS 2017; https://example.org/snell"


def test_what_we_lack_is_shown_without_a_number_of_ours() -> None:
    ours, missing, alone = rows([tracked(0)], {}, {"method": "maml", "published_as": "MAML"}, OTHER)
    assert texts(ours)[0]
    assert (missing.method, texts(missing)) == ("maml", ["", "55.5 ± 0.7", ""])
    assert alone.names == ("inductive", "", "Conv-4-64")
    assert texts(alone) == ["", "70", ""]
    assert alone.source.endswith("https://example.org/snell")


def test_what_they_lack_is_shown_without_a_number_of_theirs() -> None:
    first, second = rows([tracked(0, method="anil"), tracked(1)], {})
    assert (first.method, first.published_as, texts(first)[1:]) == ("anil", "", ["", ""])
    assert second.published_as == "Prototypical Net"


def test_another_network_or_setting_is_another_row() -> None:
    ours, theirs = rows([tracked(0)], {"backbone": "resnet12-metaopt", "network": "ResNet-12"})
    assert (texts(ours)[1], theirs.backbone, texts(theirs)[0]) == ("", "ResNet-12", "")
    ours, theirs = rows([tracked(0)], {"settings": "n_steps=5"})
    assert (ours.published_as, theirs.published_as) == ("", "Prototypical Net")
    assert len(rows([tracked(0)], {"settings": "n_steps=3"})) == 1


def test_the_network_itself_comes_before_one_that_is_much_like_it() -> None:
    theirs = {"backbone": "conv4-32 conv4-64", "variant": "32 channels"}
    runs = [tracked(0, backbone="conv4-32", **PRETRAINED), tracked(1, **PRETRAINED)]
    assert [row.differs for row in rows(runs, theirs)] == ["", "network with 32 channels"]


def test_imbalanced_queries_never_stand_beside_balanced_ones() -> None:
    both = [tracked(0), tracked(1, mean=0.5, **IMBALANCED)]
    (row,) = rows(both, {})
    assert texts(row) == ["60.00 ± 0.40", "55.5 ± 0.7", "+4.50", "50.00 ± 0.40", "-10.00 ± 0.57"]
    (row,) = rows(both, IMBALANCED)
    assert texts(row)[:4] == ["60.00 ± 0.40", "50.00 ± 0.40", "55.5 ± 0.7", "-5.50"]
    table = build_table([tracked(0, **IMBALANCED)], published=published({}))
    assert [column.label for column in table.ours.columns] == ["1-shot"]
    assert NONE_PUBLISHED_NOTE in table.notes


@pytest.mark.parametrize(
    "facts", [{"n_way": 20}, {"n_shot": 3}, {"n_query_way": 2}, {"train_dataset": "omniglot"}]
)
def test_no_other_protocol_has_published_numbers(facts: dict[str, Any]) -> None:
    assert not build_table([tracked(**facts)], published=published({})).ours.published


def test_numbers_on_val_are_not_compared() -> None:
    with pytest.raises(UsageError, match="published numbers are of split test"):
        build_table([tracked(split="val")], published=published({}))


@pytest.mark.parametrize(
    ("run", "theirs", "words"),
    [
        ({}, {}, "pretrained on classes"),
        (PRETRAINED, {}, ""),
        (PRETRAINED, {"pretraining": "none"}, "not pretrained"),
        (PRETRAINED, {"pretraining": ""}, "? pretraining"),
        ({**PRETRAINED, "weights": "weights a-1"}, {}, "pretrained on classes"),
        (PRETRAINED, {"variant": "32 channels"}, "network with 32 channels"),
        (PRETRAINED, {"queries": "", "episodes": "600"}, "? queries a class; 600 episodes"),
        (PRETRAINED, {"queries": "1 in all"}, "queries: 1 in all"),
        (PRETRAINED, {"query_balance": "random"}, "unbalanced queries"),
        ({**PRETRAINED, "setting": "transductive"}, {}, "inductive there"),
        (PRETRAINED, {"extra_data": "val"}, "val seen in training"),
    ],
)
def test_in_what_the_protocols_differ(
    run: dict[str, Any], theirs: dict[str, Any], words: str
) -> None:
    (row,) = rows([tracked(**run)], theirs)
    assert row.differs == words


def test_what_differs_at_some_shots_alone_says_so() -> None:
    runs = [tracked(k, n_shot=k, **PRETRAINED) for k in (1, 5)]
    (row,) = rows(runs, {"queries": "47"}, {"shots": 5, "episodes": "600", "queries": "47"})
    assert row.differs == "47 queries a class; 600 episodes (5-shot)"


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_each_format_has_all_of_it_and_bold_is_ours(form: str) -> None:
    runs = [tracked(0, mean=0.62, **PRETRAINED)]
    text = render(runs, form, published=published({"queries": "47"}, {**OTHER, "accuracy": "99.9"}))
    plain = text.replace(r"$\pm$", "±")
    for words in ("Prototypical Net", "Theirs Alone", "55.5 ± 0.7", "+6.50", "47 queries a class"):
        assert words in plain
    assert plain.count("https://example.org/snell") >= 1
    for mark in ("**", r"\textbf{", "<strong>"):
        assert text.count(mark) <= 1 + (form == "markdown")
    assert "Published as" in text
    assert "ours minus theirs" in text


def test_markdown_tells_each_source_and_each_run_once_below_the_table() -> None:
    text = render([tracked(0)], "markdown", published=published({}, {"published_as": "Again"}))
    head, _, *body = markdown_rows(text)
    assert head[3:] == [
        "Published as",
        "cifar-fs 1-shot",
        "cifar-fs 1-shot, published",
        "cifar-fs 1-shot, difference",
        "Differs",
        "Source",
    ]
    assert [(row[3], row[-1]) for row in body] == [("Again", "1"), ("Prototypical Net", "1")]
    assert text.count("\n1. Snell et al., NeurIPS 2017; https://example.org/snell\n") == 1
    assert text.count(tracked(0).run_id) == 1


def test_csv_has_a_line_for_each_pair_and_for_what_has_none() -> None:
    runs = [tracked(0, mean=0.62, **PRETRAINED), tracked(1, seed=1, mean=0.6), tracked(2, n_way=20)]
    theirs = published({}, {"published_as": "Again", "accuracy": "70.0"}, OTHER)
    found = lines(render(runs, "csv", published=theirs))
    pairs = [d for d in found if d["origin"] == "run" and d["published_as"]]
    told = sorted((d["seed"], d["published_as"], round(float(d["difference"]), 6)) for d in pairs)
    first, second = "Again", "Prototypical Net"
    assert told == [("0", first, -8), ("0", second, 6.5), ("1", first, -10), ("1", second, 4.5)]
    (alone,) = [d for d in found if d["origin"] == "published"]
    assert (alone["accuracy"], alone["published_accuracy"], alone["run_id"]) == ("", "70", "")
    assert (alone["dataset"], alone["method"], alone["source_url"][:8]) == (
        "cifar-fs",
        "",
        "https://",
    )
    (unpaired,) = [d for d in found if d["origin"] == "run" and not d["published_as"]]
    assert unpaired["ways"] == "20"
    assert len(found) == 6
