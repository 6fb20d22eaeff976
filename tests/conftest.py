"""Fixtures of every test: a home and a store of the tests' own, and the folder of shared data."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.data.file_server import Server, serving

# For this process and those the tests start: small tensors gain nothing from threads, which
# wait for each other for minutes where another program keeps a core busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("fsbench", deadline=None)  # times depend on the machine
settings.load_profile("fsbench")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests with a cluster unless they are asked for."""
    if "cluster" not in config.option.markexpr:
        reason = pytest.mark.skip(reason="takes minutes; make cluster runs it")
        for item in items:
            if item.get_closest_marker("cluster"):
                item.add_marker(reason)


@pytest.fixture(scope="session", autouse=True)
def fsbench_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep data sets, weights and results of the whole session out of the user's own home."""
    home = tmp_path_factory.mktemp("fsbench_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(home))
        yield home


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of this test alone."""
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def drawn_home(fsbench_home: Path, empty_home: Path) -> Path:
    """Return a home of this test alone that holds nothing but `glyphs`, which take seconds."""
    from fewshot_bench.data.store import open_dataset

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(fsbench_home))
        open_dataset("glyphs")
    shutil.copytree(fsbench_home / "data" / "glyphs", empty_home / "data" / "glyphs")
    return empty_home


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and reference results, too large for the repository.

    It is ``$FSBENCH_SHARED``, else ``shared`` beside the checkout. Without it the tests that
    need it are skipped, except in CI, where they fail.
    """
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("FSBENCH_SHARED", beside))
    if not folder.is_dir():
        reason = f"no shared data in {folder}; set FSBENCH_SHARED"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh store, made once: MLflow's migrations take a second or two."""
    from fewshot_bench.tracking import Tracker  # here: most tests do without MLflow

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    Tracker(f"sqlite:///{file}").check()
    return file


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    """Address of an empty store of this test alone."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def file_server() -> Iterator[Server]:
    """A server from which a file can be downloaded."""
    with serving() as server:
        yield server
