"""What is logged, part by part: told to a client that only notes it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fewshot_bench.evaluation.predictions import predictions_path, writing_predictions
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import Answers, RunRecord
from fewshot_bench.tracking import log
from fewshot_bench.tracking.record import measured, write_files
from tests.tracking.records import make_record


class Notes:
    """Stands for MLflow's client; keeps what it is told, and the names of files."""

    def __init__(self) -> None:
        self.batches: list[dict[str, list[Any]]] = []
        self.files: list[set[str]] = []
        self.single: list[str] = []

    def log_batch(self, run_id: str, **entities: list[Any]) -> None:
        assert run_id == "run"
        self.batches.append(entities)

    def log_artifacts(self, run_id: str, folder: str) -> None:
        self.files.append({file.name for file in Path(folder).iterdir()})

    def log_artifact(self, run_id: str, path: str) -> None:
        self.single.append(path)

    @property
    def tags(self) -> dict[str, str]:
        return {tag.key: tag.value for batch in self.batches for tag in batch.get("tags", [])}


def test_the_code_is_told_with_its_commit_if_there_is_one() -> None:
    notes = Notes()
    log.log_code(notes, "run", CodeVersion("1.2", "abc", True))  # type: ignore[arg-type]
    assert notes.tags["mlflow.source.git.commit"] == "abc"
    assert notes.tags["fsbench.dirty"] == "true"
    assert notes.tags["fsbench.version"] == str(CodeVersion("1.2", "abc", True))
    without = Notes()
    log.log_code(without, "run", CodeVersion("1.2", None, False))  # type: ignore[arg-type]
    assert list(without.tags) == ["fsbench.version"]


def test_parameters_are_cut_and_come_in_batches() -> None:
    notes = Notes()
    log.log_params(notes, "run", {f"p{k}": "v" * (400 + k) for k in range(250)})  # type: ignore[arg-type]
    assert [len(batch["params"]) for batch in notes.batches] == [100, 100, 50]
    params = [param for batch in notes.batches for param in batch["params"]]
    assert [param.key for param in params] == [f"p{k}" for k in range(250)]
    assert [len(param.value) for param in params] == [min(400 + k, 500) for k in range(250)]


def test_metrics_are_told_under_one_time_and_curves_by_their_steps() -> None:
    notes, record = Notes(), make_record(n_curve=2500)
    log.log_metrics(notes, "run", record, 77)  # type: ignore[arg-type]
    metrics = [metric for batch in notes.batches for metric in batch["metrics"]]
    assert [len(batch["metrics"]) for batch in notes.batches][:2] == [1000, 1000]
    assert {metric.timestamp for metric in metrics} == {77}
    assert [(m.key, m.step, m.value) for m in metrics[:2500]] == [
        (point.name, point.step, point.value) for point in record.curves
    ]
    told, facts = {m.key: m.value for m in metrics[2500:]}, measured(record)
    shares = {k: v for k, v in facts.items() if k.endswith("shot")}
    assert {k: v for k, v in told.items() if k in facts} == {
        k: v for k, v in facts.items() if k not in shares
    }
    assert {f"cell_{k}": pytest.approx(100 * v) for k, v in shares.items()} == {
        k: v for k, v in told.items() if k not in facts
    }
    assert {m.step for m in metrics[2500:]} == {0}


def test_tags_say_which_measurement_it_is() -> None:
    notes, record = Notes(), make_record()
    log.log_tags(notes, "run", record)  # type: ignore[arg-type]
    assert notes.tags == {
        "fsbench.record": record.id,
        "fsbench.order": str(record.place),
        "fsbench.setting": "transductive",
        "fsbench.episode_digest": "e" * 64,
        "fsbench.device": "cpu",
        "fsbench.version.torch": "2.13.0",
    }


def test_numbers_have_the_names_and_units_that_tables_read() -> None:
    record = make_record(n_shot=5)
    result = record.result
    assert measured(record) == {
        "acc_5shot": result.mean,
        "ci95_5shot": result.ci95,
        "macro_f1_5shot": result.macro_f1_mean,
        "macro_f1_ci95_5shot": result.macro_f1_ci95,
        "ece_5shot": 0.05,
        "eval_seconds": 2.5,
        "train_seconds": 12.0,
        "pretrain_seconds": 0.0,
        "ms_per_episode": 10.0,
        "peak_memory_mb": 300.0,
    }
    early = record.model_copy(
        update={"result": result.model_copy(update={"macro_f1": None, "calibration_error": None})}
    )
    assert measured(record).keys() - measured(early).keys() == {
        *("macro_f1_5shot", "macro_f1_ci95_5shot", "ece_5shot")
    }


def test_files_hold_the_record(tmp_path: Path) -> None:
    record = make_record()
    write_files(record, tmp_path)
    frame = pd.read_parquet(tmp_path / "accuracies.parquet")
    assert frame.columns.tolist() == ["episode", "accuracy", "macro_f1"]
    assert frame["episode"].tolist() == list(range(50))
    assert tuple(frame["accuracy"]) == record.result.accuracies
    assert tuple(frame["macro_f1"]) == record.result.macro_f1
    assert json.loads((tmp_path / "config.json").read_text()) == record.config.model_dump(
        mode="json"
    )
    facts = json.loads((tmp_path / "result.json").read_text())
    assert not {"accuracies", "macro_f1"} & facts.keys()
    assert measured(record).items() <= facts.items()
    assert facts["episode_digest"] == "e" * 64
    (tmp_path / "one").mkdir()
    result = record.result.model_copy(update={"accuracies": (0.5,), "macro_f1": None})
    write_files(record.model_copy(update={"result": result}), tmp_path / "one")
    assert json.loads((tmp_path / "one" / "result.json").read_text())["ci95_1shot"] is None


def answered(record: RunRecord) -> Answers:
    """Answers of 75 queries an episode that come to the accuracies of a record."""
    hits = np.rint(75 * np.array(record.result.accuracies)).astype(int)
    labels = np.tile(np.arange(75) % 5, (len(hits), 1))
    right = np.arange(75) < hits[:, None]
    return Answers(
        predictions=np.where(right, labels, (labels + 1) % 5),
        query_labels=labels,
        query_indices=labels,
        classes=np.tile(np.array(list("abcde")), (len(hits), 1)),
        probabilities=np.ones(labels.shape, dtype=np.float32),
    )


def test_predictions_are_told_if_they_are_kept_and_sound(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, notes = make_record(), Notes()
    log.log_predictions(notes, "run", record)  # type: ignore[arg-type]
    assert (notes.files, notes.tags) == ([], {})
    with writing_predictions(record.config.key, list("abcde")) as take:
        take(answered(record))
    log.log_predictions(notes, "run", record)  # type: ignore[arg-type]
    assert notes.tags == {"fsbench.predictions": "kept"}
    assert notes.files == [
        {"predictions.parquet", "accuracy_by_class.csv", "confusion.csv", "confusion.png"}
    ]
    predictions_path(record.config.key).write_bytes(b"damaged")
    log.log_predictions(notes, "run", record)  # type: ignore[arg-type]
    assert len(notes.files) == 1
    assert "is logged without predictions" in " ".join(capsys.readouterr().err.split())


def test_weights_are_told_if_they_are_there(empty_home: Path) -> None:
    notes, place = Notes(), empty_home / "weights" / "x" / "model.safetensors"
    record = make_record(checkpoint=place)
    log.log_weights(notes, "run", record)  # type: ignore[arg-type]
    assert notes.single == []
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    log.log_weights(notes, "run", record)  # type: ignore[arg-type]
    assert notes.single == [str(place)]
