"""A record read back from the artifacts, tags and curves of a run, sound or damaged."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import CurvePoint, RunRecord
from fewshot_bench.tracking import artifacts
from fewshot_bench.tracking.artifacts import stored_elsewhere
from fewshot_bench.tracking.reader import tracked
from fewshot_bench.tracking.record import write_files
from fewshot_bench.tracking.store import TrackingError
from tests.tracking.incomplete import stored
from tests.tracking.records import make_record

URI = "sqlite:///x.db"
CURVES = {"b_loss": [(5, 0.5), (1, 2.0)], "a_acc": [(5, 0.25), (3, 0.125)]}


class Store:
    """Stands for MLflow's client of a store with one run, whose files lie in a folder."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder, self.asked = folder, list[str]()
        folder.mkdir()
        write_files(record, folder)
        shares = ("acc", "ci95", "macro_f1", "macro_f1_ci95", "ece")
        metrics = {f"cell_{name}_{record.config.n_shot}shot": 1.0 for name in shares}
        metrics |= {"eval_seconds": 1.0, "ms_per_episode": 1.0, "peak_memory_mb": 1.0}
        metrics |= {"train_seconds": 12.0, "pretrain_seconds": 3.5}
        metrics |= {name: points[0][1] for name, points in CURVES.items()}
        self.tags = {
            "mlflow.source.git.commit": "c" * 40,
            "fsbench.version": "0.3+" + "c" * 12,
            "fsbench.dirty": "true",
        }
        self.metrics = metrics

    def get_run(self, run_id: str) -> Any:
        assert run_id == "one"
        data = SimpleNamespace(metrics=self.metrics, tags=self.tags)
        return SimpleNamespace(data=data, info=SimpleNamespace(run_id="one"))

    def download_artifacts(self, run_id: str, name: str, folder: str) -> None:
        assert run_id == "one"
        self.asked.append(name)
        shutil.copy(self.folder / name, folder)

    def get_metric_history(self, run_id: str, name: str) -> list[Any]:
        assert run_id == "one"
        return [SimpleNamespace(key=name, step=s, value=v) for s, v in CURVES[name]]


@pytest.fixture
def record() -> RunRecord:
    return make_record(n_shot=5)


@pytest.fixture
def store(record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store(tmp_path / "files", record)
    monkeypatch.setattr(artifacts, "connect", {URI: made}.__getitem__)
    return made


def read(made: RunRecord, /, **told: Any) -> RunRecord:
    run = replace(tracked(stored("one")), key=made.config.key, record=made.id)
    return stored_elsewhere(URI, replace(run, **told))


def test_a_record_is_put_together_from_files_tags_and_metrics(
    store: Store, record: RunRecord
) -> None:
    found = read(record)
    assert sorted(store.asked) == ["accuracies.parquet", "config.json", "result.json"]
    assert (found.config, found.result, found.id) == (record.config, record.result, record.id)
    assert (found.train_seconds, found.pretrain_seconds) == (12, 3.5)
    assert found.code == CodeVersion("0.3", "c" * 40, True)
    points = [("a_acc", 3, 0.125), ("b_loss", 1, 2.0), ("a_acc", 5, 0.25), ("b_loss", 5, 0.5)]
    expected = [
        CurvePoint(name=n, step=s, value=v) for n, s, v in sorted(points, key=lambda p: p[1])
    ]
    assert list(found.curves) == expected
    assert found.curves[0].step == 1
    assert read(record, record="") == found  # of an early version


def test_what_early_versions_lack_has_its_default(store: Store, record: RunRecord) -> None:
    del store.metrics["pretrain_seconds"], store.tags["fsbench.dirty"]
    for name in ("macro_f1", "macro_f1_ci95"):
        del store.metrics[f"cell_{name}_5shot"]
    pd.read_parquet(store.folder / "accuracies.parquet").drop(columns="macro_f1").to_parquet(
        store.folder / "accuracies.parquet"
    )
    found = read(record, record="")
    assert (found.pretrain_seconds, found.result.macro_f1) == (0, None)
    assert found.code == CodeVersion("0.3", "c" * 40, False)
    store.tags["fsbench.dirty"] = "false"
    assert read(record, record="").code == CodeVersion("0.3", "c" * 40, False)
    del store.tags["fsbench.version"]
    assert read(record, record="").code is None


def cut(folder: Path) -> None:
    (folder / "result.json").write_text("{")


def forge(folder: Path) -> None:
    facts = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**facts, "setting": "y" * 300}))


def shorten(folder: Path) -> None:
    frame = pd.read_parquet(folder / "accuracies.parquet")
    frame[:49].to_parquet(folder / "accuracies.parquet")


def rename(folder: Path) -> None:
    frame = pd.read_parquet(folder / "accuracies.parquet")
    frame.rename(columns={"accuracy": "a"}).to_parquet(folder / "accuracies.parquet")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(cut, ""), (forge, ""), (shorten, "it has 49 of 50 episodes"), (rename, "'accuracy'")],
)
def test_damaged_files_are_named_in_one_line(
    damage: Callable[[Path], None], reason: str, store: Store, record: RunRecord
) -> None:
    damage(store.folder)
    with pytest.raises(UsageError) as refused:
        read(record)
    told = str(refused.value)
    begin, end = (
        "the files of run one cannot be used (",
        "); 'fsbench run --force' measures it again",
    )
    assert told.startswith(begin + reason)
    assert told.endswith(end)
    assert "\n" not in told
    assert len(told) <= len(begin + end) + 200
    assert not isinstance(refused.value, TrackingError)
    assert refused.value.__suppress_context__


def test_a_reason_is_the_first_200_characters_of_its_first_line(
    store: Store, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("a" * 150 + "b" * 100 + "\nmore")

    monkeypatch.setattr(artifacts, "_record", fail)
    with pytest.raises(UsageError) as refused:
        read(record)
    assert f"({'a' * 150}{'b' * 50});" in str(refused.value)


@pytest.mark.parametrize("told", [{"key": "another"}, {"record": "another"}])
def test_files_of_another_run_are_refused(
    told: dict[str, str], store: Store, record: RunRecord
) -> None:
    with pytest.raises(UsageError, match=r"run one cannot be used \(they are of another run\)"):
        read(record, **told)
