"""The method of a run as a model of MLflow, which ``mlflow.pyfunc.load_model`` loads."""

import json
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.log import set_tags
from fewshot_bench.utilities.progress import say
from fewshot_bench.version import __version__

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import Model, ModelSignature

MODEL = "model"  # folder among the artifacts of a run
LOADER = "fewshot_bench.portable"
# Writes the method of a record into a folder, and returns the shape of its inputs; or a UsageError.
Pack = Callable[[RunRecord, Path], tuple[int, ...]]


def log_model(client: "MlflowClient", run_id: str, record: RunRecord, pack: Pack) -> bool:
    """Log the method of a run, in place of what was logged before; return whether it could be.

    One that cannot be packed, as its data are gone, is no reason to keep the result back.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            shape = pack(record, folder / "data")
        except UsageError as error:
            say(f"warning: {error}; {record.config.title} is logged without a model")
            return False
        model = _described(run_id, record, shape)
        model.save(str(folder / "MLmodel"))
        (folder / "requirements.txt").write_text(f"fewshot-bench=={__version__}\n", "utf-8")
        client.log_artifacts(run_id, name, MODEL)
    # Where MLflow's pages look for the models of a run.
    set_tags(client, run_id, {"mlflow.log-model.history": json.dumps([model.get_tags_dict()])})
    return True


def _described(run_id: str, record: RunRecord, shape: tuple[int, ...]) -> "Model":
    from mlflow.models import Model

    model = Model(
        artifact_path=MODEL,
        run_id=run_id,
        signature=_signature(shape),
        model_uuid=record.id,
        metadata={"method": record.config.method, "setting": record.result.setting},
    )
    return model.add_flavor(
        "python_function",
        loader_module=LOADER,
        data="data",
        python_version=platform.python_version(),
    )


def _signature(shape: tuple[int, ...]) -> "ModelSignature":
    """Images may have any size, and embeddings their own; a task has any number of rows."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    images = len(shape) > 1
    rows = (-1, -1, -1, -1) if images else (-1, *shape)
    numbers = np.dtype(np.uint8 if images else np.float32)
    inputs: list[ColSpec | TensorSpec] = [
        TensorSpec(numbers, rows, "support"),
        TensorSpec(np.dtype(np.int64), (-1,), "support_labels"),
        TensorSpec(numbers, rows, "query"),
    ]
    columns = {"row": "long", "class": "long", "probability": "double"}
    outputs: list[ColSpec | TensorSpec] = [ColSpec(kind, name) for name, kind in columns.items()]
    return ModelSignature(Schema(inputs), Schema(outputs))
