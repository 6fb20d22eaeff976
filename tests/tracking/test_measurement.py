"""A measurement is put together from a record and a store, each fact from its own place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.tracking.reader import tracked
from fewshot_bench.tracking.record import TrackedRun
from tests.tracking.incomplete import stored
from tests.tracking.records import make_record

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
TOLD: dict[str, Any] = {
    "run_id": "r",
    "studies": ("a", "b"),
    "started": NOON,
    "finished": NOON + timedelta(hours=1),
    "order": 17,
    "version": "0.3+abc",
    "mean": 0.11,
    "ci95": 0.12,
    "macro_f1": 0.13,
    "macro_f1_ci95": 0.14,
    "calibration_error": 0.15,
}


def record(**facts: Any) -> RunRecord:
    """A record whose every fact is another."""
    made = make_record(n_shot=5)
    result = made.result.model_copy(update={"accuracies": (0.0, 1 / 75, 1.0) + (0.6,) * 47})
    update = {
        "result": result,
        "pretrain_seconds": 4.5,
        "checkpoint": "/home/x/weights/method-0123/model.safetensors",
        "code": CodeVersion("0.3", "c" * 40, True),
        "source": "digest",
    }
    return made.model_copy(update={**update, **facts})


def run() -> TrackedRun:
    return replace(tracked(stored("x")), **TOLD)


def test_each_fact_comes_from_its_own_place() -> None:
    known = record()
    found = Measurement.of(known, run())
    assert found.model_dump(exclude={"right", "config", "curves", "code"}) == {
        **TOLD,
        "record": known.id,
        "setting": "transductive",
        "seconds": 2.5,
        "episode_seconds": 0.01,
        "peak_memory_mb": 300.0,
        "train_seconds": 12.0,
        "pretrain_seconds": 4.5,
        "episode_digest": "e" * 64,
        "split_checksum": "t" * 64,
        "device": "cpu",
        "versions": {"torch": "2.13.0"},
        "source": "digest",
        "weights": "method-0123",
    }
    assert (found.config, found.curves, found.code) == (known.config, known.curves, known.code)
    assert found.right.tolist() == [0, 1, 75] + [45] * 47
    assert found.right.dtype == np.int64
    assert found.accuracies.tolist() == list(known.result.accuracies)
    assert Measurement.of(record(checkpoint=None), run()).weights is None


def test_accuracies_are_shares_of_the_queries() -> None:
    odd = record().result.model_copy(update={"accuracies": (0.5,) * 50})
    with pytest.raises(ValueError, match="its accuracies are no shares of 75 queries"):
        Measurement.of(record(result=odd), run())


def test_what_a_store_knows_of_it_has_all_digits() -> None:
    known = record()
    found = Measurement.of(known, run())
    config = known.config
    assert vars(found.tracked()) == {
        **TOLD,
        "key": config.key,
        "record": known.id,
        "setting": "transductive",
        "method": "ssl-meta",
        "backbone": "conv4-64",
        "dataset": "cifar-fs",
        "n_way": 5,
        "n_shot": 5,
        "n_query": 15,
        "query_balance": "balanced",
        "n_query_way": 0,
        "n_episodes": 50,
        "episode_seed": 0,
        "split": "test",
        "seed": 0,
        "preset": "default",
        "settings": (),
        "recipe": {"train.lr": "0.1", "train.milestones": "[0.5, 0.7]", "note": "x" * 500},
        "train_seconds": 12.0,
        "ms_per_episode": 10.0,
        "data_checksum": "d" * 64,
        "episode_digest": "e" * 64,
        "train_dataset": "",
        "train_checksum": "",
        "fitted": "",
        "shared_classes": 0,
        "weights": "",
    }


def facts(**changed: Any) -> dict[str, Any]:
    found = Measurement.of(record(), run())
    return {name: getattr(found, name) for name in Measurement.model_fields} | changed


@pytest.mark.parametrize(
    "wrong",
    [
        {"run_id": ""},
        {"order": -1},
        {"order": 2**63},
        {"unknown": 1},
        {"setting": "magic"},
        {"seconds": -1.0},
        {"right": [1]},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Measurement(**facts(**wrong))


def test_what_is_at_the_edge_is_taken() -> None:
    for order in (0, 2**63 - 1):
        assert Measurement(**facts(order=order, run_id="x")).order == order
    nan = Measurement(**facts(macro_f1=float("nan"), ci95=float("nan")))
    assert np.isnan(nan.macro_f1)
    lacking = {name: facts()[name] for name in facts() if name not in ("curves", "weights")}
    assert Measurement(**lacking).curves == ()


def test_it_is_never_changed_and_shown_without_its_many_numbers() -> None:
    found = Measurement(**facts())
    with pytest.raises(ValidationError, match="frozen"):
        found.order = 3  # type: ignore[misc]
    shown = repr(found)
    assert "right=" not in shown
    assert "curves=" not in shown
    assert "order=17" in shown
    assert isinstance(found.config, RunConfig)
