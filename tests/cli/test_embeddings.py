"""A user's embeddings from import to table, by commands and from Python."""

import re
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench import api
from tests.commands import fsbench
from tests.embeddings import make_arrays

X, Y = make_arrays(n_classes=12, per_class=12, noise=0.2)


@pytest.fixture(autouse=True)
def files(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "150")
    np.savez("mine.npz", X=X, y=Y)


IMPORT = ("data", "import", "embeddings", "mine.npz", "--name", "mine", "--split", "20/20/60")


def test_from_import_to_table(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench(*IMPORT, "--backbone-name", "dinov2-s") == 0
    assert "mine: train 3 classes, 36 embeddings of length 12;" in capfd.readouterr().out
    assert fsbench("data", "list") == 0
    shown = capfd.readouterr().out
    assert re.search(r"mine +yes +12 +3 \+ 2 \+ 7 +12", shown)
    assert fsbench("data", "verify", "mine") == 0
    assert "mine ok" in capfd.readouterr().out
    assert fsbench("data", "show", "mine") == 2
    assert "mine holds embeddings; there is nothing to draw" in capfd.readouterr().err

    run = ("run", "--dataset", "mine", "--queries", "5", "--episodes", "20")
    assert fsbench(*run, "-m", "pt-map", "-m", "simple-shot") == 0
    number = re.search(r"pt-map .*?(\d+\.\d\d ± \d+\.\d\d)", capfd.readouterr().out)
    assert number
    assert fsbench("table") == 0
    table = capfd.readouterr().out
    assert "precomputed:dinov2-s" in table
    assert number[1] in table

    result = api.evaluate("pt-map", dataset="mine", n_query=5, n_episodes=20)
    assert f"{100 * result.mean:.2f}" == number[1].split()[0]

    assert fsbench(*run, "-m", "maml") == 2
    assert "maml adapts its network to each task and needs images" in capfd.readouterr().err
    assert fsbench(*run, "-m", "pt-map", "--backbone", "conv4-64") == 2
    assert "leave --backbone out" in capfd.readouterr().err


def test_without_a_split_the_line_says_what_there_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench(*IMPORT[:-2]) == 0
    assert capfd.readouterr().out == "mine: test 12 classes, 144 embeddings of length 12\n"


def test_export_and_its_refusals(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench(*IMPORT) == 0
    assert fsbench("data", "export", "mine", "-o", "again.parquet") == 0
    assert "again.parquet: train 36 x 12" in capfd.readouterr().out
    assert Path("again.parquet").exists()
    assert fsbench("data", "export", "mine", "-o", "again.csv") == 2
    assert "names no format" in capfd.readouterr().err
