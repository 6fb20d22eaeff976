"""Runs read back from a real sqlite store."""

import math

import pytest

from fewshot_bench.tracking import Tracker, load_runs
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
    assert found.calibration_error == 0.05
    assert found.setting == "transductive"
    assert found.data_checksum == "d" * 64
    assert found.episode_digest == "e" * 64
    assert found.recipe["train.lr"] == "0.1"
    assert found.recipe["train.milestones"] == "[0.5, 0.7]"
    assert found.started <= found.finished


def test_a_run_of_an_earlier_version_lacks_later_numbers_and_is_read(uri: str) -> None:
    record = make_record()
    lacking = {"macro_f1": None, "calibration_error": None}
    log(
        Tracker(uri), record.model_copy(update={"result": record.result.model_copy(update=lacking)})
    )
    (found,) = load_runs(uri)
    assert found.mean == pytest.approx(record.result.mean)
    assert all(map(math.isnan, (found.macro_f1, found.macro_f1_ci95, found.calibration_error)))
