"""The method of a run as a model of MLflow, loaded without the home that made it."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.runs import domains
from fewshot_bench.runs.packing import pack
from fewshot_bench.runs.runner import made_again, run
from fewshot_bench.tracking import Tracker, load_runs, sending
from fewshot_bench.tracking.store import TrackingError
from tests.cells import CPU, config
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home")
IMAGES = make_dataset().images("test").images


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """A run of a head, which has nothing but its backbone and a mean of the base classes."""
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())
    return run(config("simple-shot", "train=none"), CPU)


def files(uri: str, folder: str = "") -> set[str]:
    (sent,) = load_runs(uri)
    return {file.path for file in MlflowClient(uri).list_artifacts(sent.run_id, folder)}


def test_a_run_is_loaded_from_mlflow_and_answers(
    record: RunRecord, uri: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sending, "log_predictions", lambda *_: 1 / 0)
        with pytest.raises(TrackingError):
            Tracker(uri, pack=pack).send(record)
    Tracker(uri, pack=pack).send(record)
    assert "model" in files(uri)
    assert "model.safetensors" not in files(uri)  # the model has them
    assert {"model/MLmodel", "model/data"} <= files(uri, "model")

    method, _ = made_again(record.config, CPU)
    images = {"support": IMAGES[[0, 30]], "query": IMAGES[1:50:7]}
    shutil.rmtree(empty_home)
    (sent,) = load_runs(uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    model = mlflow.pyfunc.load_model(f"runs:/{sent.run_id}/model")
    found = model.predict({**images, "support_labels": np.array([4, 2])})
    assert found.columns.tolist() == ["row", "class", "probability", "p_2", "p_4"]
    assert len(found) == 7
    own, state = model._model_impl.method.state_dict(), method.state_dict()
    assert own.keys() == state.keys()
    assert all(torch.equal(own[name], state[name]) for name in own)
    assert model.metadata.metadata == {"method": "simple-shot", "setting": "inductive"}
    assert not empty_home.exists()


def test_a_run_whose_data_are_gone_is_logged_with_its_weights(
    record: RunRecord, uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(_name: str) -> Any:
        raise UsageError("no such data")

    monkeypatch.setattr(domains, "open_dataset", gone)
    Tracker(uri, pack=pack).send(record)
    assert "warning: no such data; simple-shot" in capsys.readouterr().err
    assert "model.safetensors" in files(uri)
    assert "model" not in files(uri)


def test_a_trial_has_no_model(record: RunRecord, uri: str) -> None:
    Tracker(uri, pack=pack).tuning(record.config, trial=True).send(record)
    assert "model" not in files(uri)
