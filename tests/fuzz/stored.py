"""Targets of the fuzzer that are stored: rows of stores, results, data sets, arrays, weights."""

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
from safetensors.torch import save

from fewshot_bench.config import RunConfig
from fewshot_bench.data.arrays import read_npz
from fewshot_bench.data.content import ClassImages, ClassVectors, Content, EmbeddingContent
from fewshot_bench.data.embedding_files import read_embeddings
from fewshot_bench.data.store import open_dataset, stored_checksum
from fewshot_bench.data.write import write_dataset
from fewshot_bench.data.write_embeddings import write_embeddings
from fewshot_bench.errors import UsageError
from fewshot_bench.records import record_path, stored_record
from fewshot_bench.results import Result, RunRecord
from fewshot_bench.tracking.reader import understood
from fewshot_bench.utilities.tensors import load_tensors
from tests.tracking.incomplete import stored
from tests.training.jobs import kept, trainer

STEPS = 5  # after which the training is over, its checkpoint still there
ROWS = 6  # of each split
FILES = {"images": ("dataset.json", "train.npy"), "rows": ("dataset.json", "test.npy")}


def row(data: bytes) -> None:
    """A run of a store, as JSON of what is other than in a good one."""
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        return
    run = stored("x")
    for name, good in {**vars(run.data), "info": vars(run.info)}.items():
        changed = facts.get(name) if isinstance(facts, dict) else None
        good.update(changed if isinstance(changed, dict) else {})
    run.info.run_id = "x"
    with contextlib.redirect_stderr(io.StringIO()) as said:
        found = list(understood([run]))
    assert len(found) + said.getvalue().count("\n") == 1
    assert all(0 <= one.mean <= 1 for one in found)


def result(data: bytes) -> None:
    """A stored result."""
    with _home() as home, contextlib.suppress(UsageError):
        (home / "results").mkdir()
        record_path(_CONFIG.key).write_bytes(data)
        record = stored_record(_CONFIG.key)
        assert record is not None
        assert record.config.key == _CONFIG.key


def dataset(data: bytes) -> None:
    """``dataset.json``, of images and of embeddings."""
    for name, (facts, _) in FILES.items():
        _opened(name, facts, data)


def array(data: bytes) -> None:
    """A stored array, of images and of embeddings; and one that a user gives."""
    for name, (_, rows) in FILES.items():
        _opened(name, rows, data)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.npy").write_bytes(data)
        (Path(folder) / "y.txt").write_text("a\nb\n" * (ROWS // 2))
        with contextlib.suppress(UsageError):
            read_embeddings(Path(folder) / "x.npy", Path(folder) / "y.txt")
        with zipfile.ZipFile(Path(folder) / "x.npz", "w") as archive:
            archive.writestr("X.npy", data)
        with contextlib.suppress(UsageError):
            read_npz(Path(folder) / "x.npz", "X")


def checkpoint(data: bytes) -> None:
    """Weights, as finished ones and as those of a training that goes on."""
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
        place = kept(Path(name))
        place.path.write_bytes(data)
        with contextlib.suppress(UsageError):
            assert all(tensor.isfinite().all() for tensor in place.load()[0].values())
        place.checkpoint.write_bytes(data)
        with contextlib.suppress(UsageError):
            assert trainer(place.folder, "adam", steps=STEPS).run().step == STEPS


TARGETS: tuple[Callable[[bytes], None], ...] = (row, result, dataset, array, checkpoint)


def seeds(name: str) -> list[bytes]:
    """Good inputs of a target."""
    if name == "row":
        return [json.dumps(vars(stored("x").data)).encode(), b'{"info": {"start_time": 1}}']
    if name == "result":
        return [_RECORD.model_dump_json().encode()]
    if name == "checkpoint":
        return _weights()
    place = ("dataset", "array").index(name)
    return [_written()[data, files[place]] for data, files in FILES.items()]


@cache
def _written() -> dict[tuple[str, str], bytes]:
    """All files of a data set of images and of one of embeddings, by its name and theirs."""
    pixels = np.random.default_rng(0).integers(0, 256, (ROWS, 2, 2, 3), dtype=np.uint8)
    images = {s: [ClassImages(s, ROWS, lambda: pixels)] for s in ("train", "val", "test")}
    half = np.linspace(0, 1, ROWS * 2, dtype="f4").reshape(ROWS // 2, 4)
    vectors = [ClassVectors(name, ROWS // 2, lambda: half) for name in "ab"]
    with _home() as home:
        write_dataset("images", Content((2, 2, 3), images, {}))
        write_embeddings("rows", EmbeddingContent(4, {"test": vectors}, {}))
        files = [file for name in FILES for file in (home / "data" / name).iterdir()]
        return {(file.parent.name, file.name): file.read_bytes() for file in files}


def _opened(name: str, changed: str, data: bytes) -> None:
    """Open a data set of which one file holds other bytes."""
    with _home() as home:
        for (place, file), content in _written().items():
            if place == name:
                path = home / "data" / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data if file == changed else content)
        stored_checksum(name)
        with contextlib.suppress(UsageError):
            rows = open_dataset(name).any_split.rows
            assert np.isfinite(rows).all()
            assert len(rows) == ROWS


@cache
def _weights() -> list[bytes]:
    """A checkpoint and finished weights, each with its digest, and without as they used to be."""
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
        job = trainer(Path(name), "adam", steps=STEPS)
        outcome = job.run().outcome
        place = kept(Path(name))
        found = [place.checkpoint.read_bytes(), _without_digest(place.checkpoint)]
        place.finish(job.module.state_dict(), outcome)
        return [*found, place.path.read_bytes(), _without_digest(place.path)]


def _without_digest(path: Path) -> bytes:
    tensors, facts = load_tensors(path)
    return save(tensors, metadata={"facts": json.dumps(facts)})


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """A home of its own while the block lasts."""
    with (
        tempfile.TemporaryDirectory() as home,
        mock.patch.dict(os.environ, FSBENCH_HOME=home),
    ):
        yield Path(home)


_CONFIG = RunConfig(
    method="tim", backbone="conv4-64", dataset="glyphs", n_episodes=2, recipe={}, data_checksum="d"
)
_RESULT = Result(
    accuracies=(0.5, 0.75),
    setting="inductive",
    seconds=1.0,
    episode_seconds=0.5,
    peak_memory_mb=9.0,
    episode_digest="e",
    data_checksum="t",
    device="cpu",
    versions={"torch": "2"},
)
_RECORD = RunRecord(config=_CONFIG, result=_RESULT)
