"""The method of a run as MLflow is given it: what is in the folder, and what takes what."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.models import log_model
from fewshot_bench.version import __version__
from tests.tracking.records import make_record


class Client:
    """Stands for MLflow's: reads the folder that it gets, and keeps the tags."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.place: tuple[str, str] | None = None

    def log_artifacts(self, run_id: str, folder: str, place: str = "") -> None:
        self.place, root = (run_id, place), Path(folder)
        files = (path for path in root.rglob("*") if path.is_file())
        self.files = {str(path.relative_to(root)): path.read_text("utf-8") for path in files}

    def log_batch(self, run_id: str, tags: list[Any]) -> None:
        assert run_id == "run"
        self.tags |= {tag.key: tag.value for tag in tags}


def packing(shape: tuple[int, ...]) -> Any:
    def pack(record: RunRecord, folder: Path) -> tuple[int, ...]:
        folder.mkdir()
        (folder / "facts.json").write_text(record.id, "utf-8")
        return shape

    return pack


def logged(*shape: int) -> tuple[Client, dict[str, Any]]:
    client = Client()
    assert log_model(client, "run", make_record(), packing(shape)) is True  # type: ignore[arg-type]
    return client, yaml.safe_load(client.files["MLmodel"])


def test_a_model_is_a_folder_that_mlflow_loads_with_our_package() -> None:
    client, told = logged(3, 32, 32)
    record = make_record()
    assert client.place == ("run", "model")
    assert client.files.keys() == {"MLmodel", "requirements.txt", "data/facts.json"}
    assert client.files["requirements.txt"] == f"fewshot-bench=={__version__}\n"
    assert client.files["data/facts.json"] == record.id
    flavour = told["flavors"]["python_function"]
    assert flavour == {
        "loader_module": "fewshot_bench.portable",
        "data": "data",
        "python_version": platform.python_version(),
    }
    assert (told["artifact_path"], told["run_id"]) == ("model", "run")
    assert told["model_uuid"] == record.id
    assert told["metadata"] == {"method": "ssl-meta", "setting": "transductive"}
    (history,) = json.loads(client.tags["mlflow.log-model.history"])
    assert client.tags.keys() == {"mlflow.log-model.history"}
    assert history["model_uuid"] == told["model_uuid"]
    assert history["flavors"] == told["flavors"]


def tensor(name: str, kind: str, *shape: int) -> dict[str, Any]:
    return {"name": name, "type": "tensor", "tensor-spec": {"dtype": kind, "shape": list(shape)}}


@pytest.mark.parametrize(
    ("shape", "kind", "rows"),
    [
        ((3, 32, 32), "uint8", (-1, -1, -1, -1)),
        ((3, 8), "uint8", (-1, -1, -1, -1)),
        ((640,), "float32", (-1, 640)),
    ],
)
def test_images_have_any_size_and_embeddings_their_own(
    shape: tuple[int, ...], kind: str, rows: tuple[int, ...]
) -> None:
    signature = logged(*shape)[1]["signature"]
    assert json.loads(signature["inputs"]) == [
        tensor("support", kind, *rows),
        tensor("support_labels", "int64", -1),
        tensor("query", kind, *rows),
    ]
    outputs = json.loads(signature["outputs"])
    assert [(column["name"], column["type"]) for column in outputs] == [
        ("row", "long"),
        ("class", "long"),
        ("probability", "double"),
    ]


def test_what_cannot_be_packed_is_said_and_nothing_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gone(record: RunRecord, folder: Path) -> tuple[int, ...]:
        assert not folder.exists()
        raise UsageError("no such data")

    client = Client()
    assert log_model(client, "run", make_record(), gone) is False  # type: ignore[arg-type]
    assert (client.files, client.tags, client.place) == ({}, {}, None)
    told = "warning: no such data; ssl-meta conv4-64 cifar-fs 1-shot is logged without a model\n"
    assert capsys.readouterr().err == told
