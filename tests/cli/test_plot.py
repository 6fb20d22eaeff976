"""``fsbench plot`` as a user drives it: every kind on one small store."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.results import CurvePoint
from fewshot_bench.runs.plotting import KINDS
from fewshot_bench.tracking import Tracker
from tests.commands import fsbench
from tests.embeddings import make_arrays
from tests.tracking.records import make_record

RUN = ("run", "--dataset", "mine", "--queries", "5", "--episodes", "20", "-k", "1", "-k", "5")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Path]:
    """A folder with a home, and a store of three heads at two shots, and one training."""
    folder = tmp_path_factory.mktemp("plots")
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(folder / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("COLUMNS", "150")
        patch.chdir(folder)
        X, y = make_arrays(n_classes=20, per_class=12, noise=0.6)
        np.savez("mine.npz", X=X, y=y)
        source = ("embeddings", "mine.npz", "--name", "mine", "--split", "25/25/50")
        assert fsbench("data", "import", *source) == 0
        heads = ("-m", "pt-map", "-m", "simple-shot", "-m", "tim", "--set", "tim.n_steps=20")
        assert fsbench(*RUN, *heads) == 0
        curve = [CurvePoint(name="train_val_acc", step=s, value=0.5 + s / 100) for s in range(3)]
        record = make_record().model_copy(update={"curves": tuple(curve)})
        Tracker(f"sqlite:///{folder / 'mlflow.db'}").send(record)
        yield folder


def options(kind: str) -> list[str]:
    """What chooses runs that a figure of the kind can be made of."""
    if kind == "curves":
        return ["--dataset", "cifar-fs"]
    chosen = ["--dataset", "mine"]
    chosen += ["-k", "1"] if kind in ("cost", "differences", "episode") else []
    return [*chosen, "-m", "pt-map", "--episode", "7"] if kind == "episode" else chosen


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn(kind: str, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = store / "drawn" / f"{kind}.png"
    assert fsbench("plot", kind.upper(), *options(kind), "-o", str(file)) == 0
    assert f"in {file}" in capfd.readouterr().out.replace("\n", "")
    with Image.open(file) as image:
        assert image.width == 1660


def test_without_a_name_the_file_is_named_like_the_kind(store: Path) -> None:
    assert fsbench("plot", "curves", "--dataset", "cifar-fs") == 0
    assert (store / "curves.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["acuracies"], "no figure is called 'acuracies'; did you mean 'accuracies'?"),
        (["cost", "-o", "x.jpg"], "'x.jpg' does not say which format; end it in .png, .svg, .pdf"),
        (["cost", "-o", "/dev/null/x.png"], "cannot write /dev/null/x.png"),
        (["cost", "--dataset", "mine"], "2 shots (1, 5); choose one with --shots"),
        (["cost", "-k", "9"], "leave some of them out"),
        (["shots"], "2 data sets (cifar-fs, mine); choose one with --dataset"),
        (["cost", "--over", "shots"], "--over is of 'fsbench plot trend'; leave it out"),
        (["cost", "--episode", "1"], "--episode is of 'fsbench plot episode'; leave it out"),
        (["curves", "--dataset", "mine", "-k", "1"], "none of these runs trained anything"),
        (["episode", "--dataset", "mine"], "an episode is of one run, and these are 6; choose"),
        (
            ["episode", "--dataset", "mine", "-m", "tim", "-k", "1", "--episode", "20"],
            "the run has episodes 0 to 19, and no 20",
        ),
        (["differences", "--dataset", "mine", "-k", "1", "-m", "tim"], "and these are 1; choose"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_nothing_written(
    arguments: list[str], words: str, store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(store.rglob("*.png"))
    given = arguments if "-o" in arguments else [*arguments, "-o", "new/wrong.png"]
    assert fsbench("plot", *given) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("fsbench: ")
    assert words in line
    assert sorted(store.rglob("*.png")) == before
    assert not (store / "new").exists()


def test_a_store_without_runs_says_which_command_makes_one(
    uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fsbench("plot", "cost", "--tracking-uri", uri) == 2
    assert "fsbench run --method ssl-meta" in capfd.readouterr().err
