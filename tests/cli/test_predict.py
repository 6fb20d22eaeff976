"""``fsbench predict`` as a user types it: folders, embeddings, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from fewshot_bench.backbones.base import backbones
from fewshot_bench.classifier import FewShotClassifier
from fewshot_bench.cli import main
from tests.data.files import make_files, png

WAYS, SHOTS = 3, (1, 2, 3)
BASE = ["--dataset", "glyphs", "--preset", "smoke", "--set", "pretrain=none"]
FOLDERS = ["--support", "support", "--query", "query"]
Capture = pytest.CaptureFixture[str]


def predict(*arguments: str) -> int:
    """Run the command in this process; return its exit code."""
    try:
        main(["predict", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three patterns, with 1, 2 and 3 labelled images; 4 of each are asked."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    patterns = 200 * np.kron(rng.integers(0, 2, (WAYS, 4, 4)), np.ones((7, 7)))
    for c, n_shot in enumerate(SHOTS):
        for i in range(n_shot + 4):
            place = Path("support") / f"class {c}" if i < n_shot else Path("query") / f"dir{i}"
            place.mkdir(parents=True, exist_ok=True)
            pixels = patterns[c] + rng.integers(0, 50, (28, 28))
            Image.fromarray(pixels.astype(np.uint8)).save(place / f"{c}_{i}.png")


def check(frame: pd.DataFrame) -> None:
    probabilities = frame[[f"p_class {c}" for c in range(WAYS)]]
    assert len(frame) == 4 * WAYS
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.allclose(frame["probability"], probabilities.max(axis=1))
    assert ("p_" + frame["class"] == probabilities.idxmax(axis=1)).all()
    right = frame["class"] == "class " + frame["file"].str.extract(r"/(\d)_")[0]
    assert right.all()


def test_folders_are_answered_in_every_format(capfd: Capture) -> None:
    for name in ("answers.csv", "answers.json", "answers.parquet"):
        assert predict("-m", "simple-shot", *BASE, *FOLDERS, "-o", f"new/{name}") == 0
        assert capfd.readouterr().out == f"12 answers in new/{name}\n"
    found = [
        pd.read_csv("new/answers.csv"),
        pd.DataFrame(json.loads(Path("new/answers.json").read_text("utf-8"))),
        pd.read_parquet("new/answers.parquet"),
    ]
    for frame in found:
        check(frame)
        pd.testing.assert_frame_equal(frame, found[0])
    assert list(found[0].columns[:3]) == ["file", "class", "probability"]


def test_a_transductive_method_says_what_it_reads(capfd: Capture) -> None:
    assert predict("-m", "tim", *BASE, *FOLDERS) == 0
    shown = capfd.readouterr()
    assert "tim reads all 12 queries together" in shown.err
    assert shown.out.startswith("file,class,probability,p_class 0,p_class 1,p_class 2\n")


def test_an_inductive_answer_does_not_depend_on_the_other_queries(capfd: Capture) -> None:
    assert predict("-m", "simple-shot", *BASE, *FOLDERS) == 0
    all_of_them = capfd.readouterr().out.splitlines()
    alone = ["--support", "support", "--query", "query/dir4"]
    assert predict("-m", "simple-shot", *BASE, *alone) == 0
    for row in capfd.readouterr().out.splitlines()[1:]:
        (same,) = [x for x in all_of_them if x.startswith(f"dir4/{row.partition(',')[0]},")]
        mine, theirs = ([float(v) for v in x.split(",")[2:]] for x in (row, same))
        assert mine == pytest.approx(theirs, abs=1e-5)


def test_weights_take_the_place_of_a_data_set(capfd: Capture) -> None:
    torch.save(backbones["conv4-64"]((3, 84, 84)).state_dict(), "mine.pt")
    taken = ["-m", "simple-shot", "--weights", "mine.pt", *FOLDERS]
    assert predict(*taken) == 2
    assert "name it with --train-dataset, or --set transform=L2N" in capfd.readouterr().err
    assert predict(*taken, "--set", "transform=L2N") == 0
    assert len(capfd.readouterr().out.splitlines()) == 13


@pytest.mark.slow
def test_a_meta_trained_method_is_trained_for_its_way(capfd: Capture) -> None:
    short = ["--set", "train.steps=2", "--set", "train.n_query=3", "--shots", "1"]
    run = ["-m", "maml", *BASE, *FOLDERS, *short]
    assert predict(*run) == 2
    assert "was built for 5 ways, not 3" in (said := capfd.readouterr().err)
    assert "as --ways 3" in said
    assert predict(*run, "--ways", "3") == 0
    assert len(capfd.readouterr().out.splitlines()) == 13


def test_embeddings_are_answered_as_the_classifier_does(capfd: Capture) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((7, 5)) + 3, np.array(list("babcacb"))
    asked = rng.standard_normal((9, 5)) + 3
    np.savez("support.npz", X=X, y=y)
    np.savez("query.npz", X=asked)
    files = ["--support", "support.npz", "--query", "query.npz"]
    for method in ("logistic", "pt-map"):
        assert predict("-m", method, *files, "-o", "a.csv") == 0
        expected = FewShotClassifier(method).fit(X.astype("f4"), y).predict_proba(asked)
        frame = pd.read_csv("a.csv")
        assert frame["row"].tolist() == list(range(9))
        assert np.allclose(frame[["p_a", "p_b", "p_c"]], expected, atol=1e-4)
    capfd.readouterr()
    assert predict("-m", "tim", *files, "--set", "transform=CL2N") == 2
    assert "give X_base and y_base" in capfd.readouterr().err
    assert predict("-m", "tim", *files, "--backbone", "conv4-64") == 2
    assert "leave --backbone out" in capfd.readouterr().err
    np.savez("query.npz", X=asked[:, :4])
    assert predict("-m", "tim", *files) == 2
    assert "of length 4, and support.npz of 5" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-m", "timm"], "did you mean 'tim'"),
        (["--query", "nowhere"], "nowhere does not exist"),
        (["--query", "empty"], "empty has no images"),
        (["--support", "empty"], "empty is no support"),
        (["--support", "one"], "one has only 1 class, 'a'"),
        (["--query", "bad"], "bad: 'x.png' is not a whole"),
        (["-o", "answers.txt"], "none of .csv, .parquet and .json"),
        (["--dataset", "glyph"], "did you mean 'glyphs'"),
        (["--weights", "none.pt"], "there is no file of weights none.pt"),
        (["--weights", "bad/x.png"], "neither safetensors nor a state dictionary"),
        (["-m", "proto-net", "--ways", "1000"], "1000"),
        (["--support", "support.npz"], "leave --train-dataset out"),
    ],
)
def test_bad_input_ends_in_one_line(arguments: list[str], says: str, capfd: Capture) -> None:
    Path("empty").mkdir()
    make_files(Path(), {"one/a/0.png": png(0), "bad/x.png": png(0)[:50]})
    assert predict("-m", "logistic", *BASE, *FOLDERS, *arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    (line,) = [line for line in shown.err.splitlines() if line]
    assert line.startswith("fsbench: ")
    assert says in line


def test_without_a_data_set_it_says_what_is_needed(capfd: Capture) -> None:
    assert predict("-m", "logistic", *FOLDERS) == 2
    assert "name a data set with --train-dataset, or give --weights" in capfd.readouterr().err
