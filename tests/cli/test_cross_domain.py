"""Trained on the built-in data set, measured on a user's colour pictures; and what is refused."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.commands import fsbench
from tests.data.files import image_tree, make_files

CLASSES = {split: [f"{split}{i}" for i in range(5)] for split in ("train", "val", "test")}
FROM_GLYPHS = ["--train-dataset", "Glyphs", "--preset", "smoke", "--queries", "4"]
RUN = ["run", "--dataset", "pictures", *FROM_GLYPHS, "-m", "simple-shot", "--episodes", "20"]


def import_pictures(name: str, **classes: list[str]) -> None:
    """Import five colour pictures of 20 pixels of each class, from a folder of the same name."""
    make_files(Path(name), image_tree({**CLASSES, **classes}, per_class=5))
    assert fsbench("data", "import", "folder", name, "--name", name, "--size", "20") == 0


@pytest.fixture(autouse=True)
def pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    import_pictures("pictures")
    capfd.readouterr()


@pytest.mark.slow
def test_trained_on_one_data_set_and_measured_on_another(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert fsbench(*RUN) == 0
    shown = capfd.readouterr()
    assert "pictures, trained on glyphs, 5-way, 20 test episodes" in shown.out
    number = re.search(r"simple-shot .*?(\d+\.\d\d ± \d+\.\d\d)", shown.out)
    assert number, shown.out

    assert fsbench("run", "-m", "simple-shot", *FROM_GLYPHS[2:], "--episodes", "20") == 0
    assert "pretraining" not in capfd.readouterr().err, "the backbone of glyphs is shared"

    assert fsbench("table") == 0
    table = capfd.readouterr().out
    assert "| pictures 1-shot, trained on glyphs |" in table
    assert number[1] in table
    assert re.search(r"selected on glyphs \w+, images 20x20x3 -> 28x28x1 and normalised", table)
    assert fsbench("table", "-f", "csv", "--dataset", "pictures") == 0
    (row,) = csv.DictReader(io.StringIO(capfd.readouterr().out))
    assert (row["train_dataset"], row["fitted"]) == ("glyphs", "20x20x3 -> 28x28x1")

    assert fsbench(*RUN) == 0
    again = capfd.readouterr()
    assert "1-shot, trained on glyphs: has been run" in again.err
    assert number[1] in again.out


def test_classes_that_were_trained_on_are_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    new = ["a", "b", "c"]
    import_pictures("known", train=["d"], val=["e"], test=[*new, "train0", "VAL1"])
    renamed = {"pictures": "known", "Glyphs": "pictures"}
    run = [renamed.get(word, word) for word in RUN]
    warning = "warning: 2 classes of the test split of known have the names of classes that"
    for _ in range(2):
        assert fsbench(*run) == 0
        assert warning in capfd.readouterr().err
    assert fsbench("table") == 0
    assert "2 measured classes have names of what was trained" in capfd.readouterr().out


def test_a_dry_run_says_what_is_made_to_fit(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench(*RUN, "--split", "val", "--dry-run") == 0
    (config,) = json.loads(capfd.readouterr().out)
    assert (config["dataset"], config["split"]) == ("pictures", "val")
    assert (config["train_dataset"], config["fitted"]) == ("glyphs", "20x20x3 -> 28x28x1")
    assert config["recipe"]["pretrain"]["augment"] == "shift"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--train-dataset", "glyph"], "did you mean 'glyphs'"),
        (["--train-dataset", "omniglot"], "fsbench data download omniglot"),
        (
            ["--set", "pretrain=none", "-m", "logistic"],
            "conv4-64 learns nothing from glyphs",
        ),
        (["--queries", "5"], "'test0' of the test split of pictures has 5; ask for 4 queries"),
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fsbench(*RUN, *arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    (line,) = [line for line in shown.err.splitlines() if line]
    assert line.startswith("fsbench: ")
    assert says in line
