"""The CSV of a table, column by column."""

import csv
import io

import pytest

from fewshot_bench.report.spreadsheet import render
from tests.report.samples import tracked
from tests.report.test_beside import OTHER, PRETRAINED, published

RUN = tracked(
    *(1,),
    mean=0.6,
    ci95=0.005,
    macro_f1=0.5,
    macro_f1_ci95=0.25,
    calibration_error=0.125,
    settings=("a=1", "b=2"),
    recipe={"b": "2", "a": "1"},
    query_balance="dirichlet:2.0",
    n_query_way=2,
    weights="weights x-1",
    train_dataset="omniglot",
    fitted="1 -> 2",
    shared_classes=3,
    episode_seed=4,
)
FACTS = {
    "origin": "run",
    "run_id": RUN.run_id,
    "key": RUN.key,
    "method": "proto-net",
    "backbone": "conv4-64",
    "dataset": "cifar-fs",
    "setting": "inductive",
    "ways": "5",
    "shots": "1",
    "queries": "15",
    "query_balance": "dirichlet:2.0",
    "n_query_way": "2",
    "n_episodes": "2000",
    "split": "test",
    "seed": "0",
    "preset": "default",
    "settings": "('a=1', 'b=2')",
    "recipe": '{"a": "1", "b": "2"}',
    "accuracy": "60.0",
    "ci95": "0.5",
    "macro_f1": "50.0",
    "macro_f1_ci95": "25.0",
    "calibration_error": "12.5",
    "train_seconds": "90.0",
    "ms_per_episode": "0.25",
    "data_checksum": "d" * 64,
    "episode_digest": RUN.episode_digest,
    "train_dataset": "omniglot",
    "train_checksum": "t" * 64,
    "fitted": "1 -> 2",
    "shared_classes": "3",
    "version": "0.1.0",
    "started": "2026-01-01T00:01:00+00:00",
    "finished": "2026-01-01T00:01:30+00:00",
    "weights": "weights x-1",
    "episode_seed": "4",
    "variant": "weights x-1, a=1, b=2",
}


def test_every_column_of_a_run() -> None:
    (line,) = csv.DictReader(io.StringIO(render([RUN])))
    assert line == FACTS
    assert [*line] == [*FACTS]


def test_every_column_of_published_numbers() -> None:
    theirs = published(
        {"variant": "wider", "extra_data": "val", "confirmed": "no", "queries": "16"},
        {**OTHER, "setting": "transductive", "queries": "", "episodes": ""},
    )
    run = tracked(0, settings=("n_steps=3",), **PRETRAINED)
    paired, alone = csv.DictReader(io.StringIO(render([run], published=theirs)))
    added = {
        "published_accuracy": "55.5",
        "published_ci95": "0.7",
        "published_queries": "16",
        "published_episodes": "2000",
        "published_variant": "wider",
        "difference": "4.5",
        "differs": "network with wider; 16 queries a class; val seen in training",
        "published_as": "Prototypical Net",
        "network": "Conv-4-64",
        "pretraining": "classes",
        "extra_data": "val",
        "paper": "Snell et al., NeurIPS 2017",
        "year": "2017",
        "source_url": "https://example.org/snell",
        "confirmed": "no",
    }
    assert [*paired] == [*FACTS, *added]
    assert {key: paired[key] for key in added} == added
    own = {"origin": "run", "run_id": run.run_id, "variant": "n_steps=3", "setting": "inductive"}
    assert {key: paired[key] for key in own} == own
    assert {key: value for key, value in alone.items() if value} == {
        "origin": "published",
        "backbone": "conv4-64",
        "dataset": "cifar-fs",
        "setting": "transductive",
        "ways": "5",
        "shots": "1",
        "query_balance": "balanced",
        "published_accuracy": "70",
        "published_as": "Theirs Alone",
        "network": "Conv-4-64",
        "pretraining": "classes",
        "paper": added["paper"],
        "year": "2017",
        "source_url": added["source_url"],
        "confirmed": "yes",
    }


def test_a_run_without_a_published_number_has_none_of_its_columns() -> None:
    runs = [tracked(0, n_way=20)]
    (line,) = csv.DictReader(io.StringIO(render(runs, published=published({}))))
    assert (line["origin"], line["ways"], line["published_as"]) == ("run", "20", "")
    assert float(line["accuracy"]) == pytest.approx(60)
