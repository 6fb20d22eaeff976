"""What was measured: kept as it was, and whole in JSON."""

import json

import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.results import Result, RunRecord
from tests.synthetic import make_result

FACTS = {"method": "ssl-meta", "backbone": "conv4-64", "dataset": "glyphs"}
CONFIG = RunConfig(**FACTS, recipe={"n_steps": 3}, data_checksum="c" * 64)
# As version 0.1.0 wrote it before there was more than one number.
OLD = """{"accuracies":[0.2,0.4],"setting":"inductive","seconds":1.0,"episode_seconds":0.5,
"peak_memory_mb":1.0,"episode_digest":"same","data_checksum":"x","device":"cpu","versions":{}}"""


def test_results_survive_json_and_cannot_be_changed() -> None:
    one = make_result([1 / 3, 2 / 3])
    assert Result.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(ValueError, match="frozen"):
        one.seconds = 2.0  # type: ignore[misc]


def test_results_of_earlier_versions_are_read_and_stay_the_same_measurement() -> None:
    record = RunRecord(config=CONFIG, result=Result.model_validate_json(OLD))
    result = record.result
    assert (result.macro_f1, result.macro_f1_mean, result.macro_f1_ci95) == (None, None, None)
    assert result.calibration_error is None
    assert record.id == "ec3ec63d70f03a40"  # what is owed, and sent, is found by it
    assert RunRecord.model_validate_json(record.model_dump_json()).id == record.id


def test_a_result_with_more_numbers_is_another_measurement() -> None:
    values = {**json.loads(OLD), "macro_f1": [0.1, 0.3], "calibration_error": 0.05}
    result = Result.model_validate(values)
    assert result.macro_f1_mean == pytest.approx(0.2)
    assert result.macro_f1_ci95 == pytest.approx(12.706 * 0.1, rel=1e-4)
    old = RunRecord(config=CONFIG, result=Result.model_validate_json(OLD))
    new = RunRecord(config=CONFIG, result=result)
    assert new.id != old.id
    assert RunRecord.model_validate_json(new.model_dump_json()).id == new.id
