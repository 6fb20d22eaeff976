"""Runs read back from a real sqlite store."""

import math
from typing import Any

import pytest

from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.reader import tracked
from tests.tracking.records import log, make_record


def test_a_run_is_found_again_with_all_that_was_measured(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    assert not tracker.has(record.config)
    log(tracker, record)
    assert tracker.has(record.config)
    (found,) = load_runs(uri)
    assert (found.mean, found.ci95) == pytest.approx((record.result.mean, record.result.ci95))
    assert (found.macro_f1, found.macro_f1_ci95) == pytest.approx(
        (record.result.macro_f1_mean, record.result.macro_f1_ci95)
    )
    assert found.calibration_error == pytest.approx(0.05)
    assert found.setting == "transductive"
    assert found.data_checksum == "d" * 64
    assert found.episode_digest == "e" * 64
    assert found.recipe["train.lr"] == "0.1"
    assert found.recipe["train.milestones"] == "[0.5, 0.7]"
    assert found.started <= found.finished


def test_what_was_trained_on_is_told_and_read(uri: str) -> None:
    tracker = Tracker(uri)
    log(tracker, make_record())
    facts: dict[str, Any] = {"train_dataset": "null", "train_checksum": "t" * 64}  # a fine name
    log(tracker, make_record(**facts, fitted="28x28x1 -> 32x32x3", shared_classes=2))
    plain, crossed = sorted(load_runs(uri), key=lambda run: run.train_dataset)
    told = [
        (run.train_dataset, run.train_checksum, run.fitted, run.shared_classes)
        for run in (plain, crossed)
    ]
    assert told == [("", "", "", 0), ("null", "t" * 64, "28x28x1 -> 32x32x3", 2)]
    assert plain.dataset == crossed.dataset == "cifar-fs"
    names = [tracker.client.get_run(run.run_id).info.run_name for run in (plain, crossed)]
    assert names[1] == f"{names[0]}, trained on null"


def test_runs_from_before_a_fact_was_told_have_its_default(uri: str) -> None:
    tracker = Tracker(uri)
    run = tracker.client.get_run(log(tracker, make_record()))
    for name in ("n_query_way", "train_dataset", "train_checksum", "fitted", "shared_classes"):
        del run.data.params[name]
    (found,) = load_runs(uri)
    assert tracked(run) == found


def test_a_run_of_an_earlier_version_lacks_later_numbers_and_is_read(uri: str) -> None:
    record = make_record()
    lacking = {"macro_f1": None, "calibration_error": None}
    log(
        Tracker(uri), record.model_copy(update={"result": record.result.model_copy(update=lacking)})
    )
    (found,) = load_runs(uri)
    assert found.mean == pytest.approx(record.result.mean)
    assert all(map(math.isnan, (found.macro_f1, found.macro_f1_ci95, found.calibration_error)))
