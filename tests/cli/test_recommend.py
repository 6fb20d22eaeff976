"""``fsbench recommend`` as a user types it, on small data: what is run, and what is said."""

import re
from pathlib import Path

import pytest
import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.cli import main
from fewshot_bench.data.store import open_dataset
from fewshot_bench.tracking import load_runs

Capture = pytest.CaptureFixture[str]


def recommend(*arguments: str) -> int:
    """Run the command in this process; return its exit code."""
    try:
        main(["recommend", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.slow
def test_heads_are_compared_on_val_and_the_best_on_test(uri: str, capfd: Capture) -> None:
    torch.save(
        backbones["conv4-64"](open_dataset("glyphs").images("train").image_shape).state_dict(),
        "mine.pt",
    )
    short = ["--dataset", "glyphs", "--episodes", "20", "--tracking-uri", uri]
    assert recommend(*short, "--backbone", "conv4", "--weights", "mine.pt") == 0
    shown = capfd.readouterr().out
    for method in ("tim", "pt-map", "simple-shot", "logistic", "baseline"):
        assert re.search(rf"{method} +│ conv4-64 \(weights mine-\w+\) │", shown), method
    for method in ("maml", "proto-net", "relation-net"):
        assert method not in shown
    best = re.search(r"^Take (\S+) on conv4-64 .*: \d\d\.\d ± \d+\.\d % on test", shown, re.M)
    assert best
    assert f"fsbench predict --method {best[1]} --train-dataset glyphs" in shown
    assert "inductive" in shown.partition("Take")[2]
    runs = load_runs(uri)
    tested = {run.method for run in runs if run.split == "test"}
    assert best[1] in tested
    assert "simple-shot" in tested
    assert len(tested) <= 4
    assert {run.method for run in runs if run.split == "val"} > tested

    assert recommend(*short, "--backbone", "conv4", "--weights", "mine.pt") == 0
    assert ": running" not in capfd.readouterr().err, "everything is stored"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "glyph"], "did you mean 'glyphs'"),
        (["--dataset", "glyphs", "--backbone", "conv5"], "no backbone is called 'conv5'"),
        (["--dataset", "glyphs", "--weights", "x.pt"], "name it with --backbone, once"),
        (["--dataset", "glyphs", "--ways", "500"], "500"),
        (["--dataset", "glyphs", "--query-balance", "odd"], "is no balance of queries"),
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: list[str], says: str, uri: str, capfd: Capture
) -> None:
    assert recommend(*arguments, "--tracking-uri", uri) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert says in shown.err.splitlines()[-1]
    assert "Traceback" not in shown.err
