"""``fsbench study`` as a user types it: tiny studies, in one process and in two."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.write import write_dataset
from fewshot_bench.tracking.notes import NOTE
from tests.commands import fsbench
from tests.tracking.rows import kind, runs_of

Capture = pytest.CaptureFixture[str]

PROTOCOL = """
methods = ["ssl-meta", "simple-shot"]
datasets = "mine"
shots = 1
preset = "smoke"
n_episodes = 20
n_query = 3
"""
SHARED = f"""{PROTOCOL}
query_balances = ["balanced", "dirichlet:2"]

[settings]
pretrain.val_episodes = 5

[method.ssl-meta]
settings = {{ train.steps = 4, train.val_every = 2, train.val_episodes = 5 }}
"""
FAILING = f"""{PROTOCOL}
[settings]
pretrain = "none"

[method.ssl-meta]
settings = {{ train.lr = 1e30, train.optimizer = "sgd", train.val_episodes = 5 }}
"""


def small_images() -> Content:
    """Six classes a split, of 18 images each: a pattern of the class, and noise."""

    def read(seed: int) -> Callable[[], Images]:
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 128, (1, 16, 16, 1)) + rng.integers(0, 128, (18, 16, 16, 1))
        return lambda: images.astype(np.uint8)

    splits = {
        split: [ClassImages(f"{split}{i}", 18, read(10 * k + i)) for i in range(6)]
        for k, split in enumerate(("train", "val", "test"))
    }
    return Content((16, 16, 1), splits, {"source": "a test"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with the small images."""
    monkeypatch.setenv("FSBENCH_HOME", str(folder))
    write_dataset("mine", small_images())
    return folder


def accuracies(home: Path) -> dict[str, list[float]]:
    """Of every result of a home, by its key."""
    found = {path.stem: json.loads(path.read_text()) for path in home.glob("results/*.json")}
    return {key: record["result"]["accuracies"] for key, record in found.items()}


@pytest.mark.slow
def test_two_workers_measure_what_one_measures_to_the_bit(
    folder: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine.toml").write_text(SHARED)
    with monkeypatch.context() as first:
        one = home(folder / "one", first)
        assert fsbench("study", "mine.toml") == 0
    alone = capfd.readouterr()
    two = home(folder / "two", monkeypatch)
    assert fsbench("study", "mine.toml", "--workers", "2") == 0
    shown = capfd.readouterr()
    assert accuracies(two) == accuracies(one)
    assert len(accuracies(two)) == 4
    weights = [p.name for p in two.glob("weights/*")]
    assert sorted(name.split("-")[0] for name in weights) == ["backbone", "method"]
    for text in (alone, shown):
        assert re.search(r"4 of 4: .*: \d+\.\d\d ± \d+\.\d\d %", text.err)
        assert len(re.findall(r"(?:ssl-meta|simple-shot) .*±", text.out)) == 4
        assert "queries dirichlet:2" in text.out
    assert "pretraining conv4-64 on mine: 1 epochs" not in shown.err  # it is in the log
    assert not list(two.glob("logs/*"))

    assert fsbench("study", "mine.toml", "--dry-run") == 0
    planned = capfd.readouterr().out
    assert "4 of 4 cells are done" in planned
    assert re.search(r"pretraining conv4-64 on mine, for 4 cells: done", planned)
    assert re.search(r"training ssl-meta conv4-64 on mine 1-shot, for 2 cells: done", planned)


def test_a_cell_that_fails_is_told_at_the_end_and_tried_again(
    folder: Path, capfd: Capture, empty_home: Path
) -> None:
    write_dataset("mine", small_images())
    (folder / "mine.toml").write_text(FAILING)
    for news in ("2 of 2: simple-shot", "has been run"):
        assert fsbench("study", "mine.toml") == 1
        shown = capfd.readouterr()
        assert re.search(r"simple-shot .* \d+\.\d\d ± \d+\.\d\d", shown.out)
        assert news in shown.err
        failed = [line for line in shown.err.splitlines() if line.startswith("failed: ")]
        assert len(failed) == 1
        assert re.match(r"failed: ssl-meta conv4-64 mine 1-shot: .*(loss|finite)", failed[0])
        assert "1 of 2 cells are done; the same command tries the others again" in shown.err
        assert "Traceback" not in shown.err
    assert len(accuracies(empty_home)) == 1


def test_runs_go_where_file_and_options_say(folder: Path, empty_home: Path, uri: str) -> None:
    write_dataset("mine", small_images())
    (folder / "mine.toml").write_text(
        f"""{PROTOCOL.replace('"ssl-meta", ', "")}
        experiment = "of the file"
        tags = {{ who = "me", "x.y" = "1" }}
        [settings]
        pretrain = "none"
        """
    )
    asked = {"of the file": [], "mine": ["--experiment", "mine", "--tag", "who=it's you"]}
    for name, words in asked.items():
        assert fsbench("study", "mine.toml", *words) == 0
        runs = runs_of(uri, name)
        assert {kind(run) for run in runs} == {"study", "row", "cell"}
        assert {run.data.tags["who"] for run in runs} == {words[-1][4:] if words else "me"}
        assert {run.data.tags["x.y"] for run in runs} == {"1"}
    (note,) = (run.data.tags[NOTE] for run in runs if kind(run) == "study")
    assert """fsbench study mine.toml --experiment mine --tag 'who=it'"'"'s you'""" in note


def test_a_dry_run_begins_nothing(folder: Path, capfd: Capture, empty_home: Path) -> None:
    write_dataset("mine", small_images())
    (folder / "mine.toml").write_text(f'summary = "what for"\n{FAILING}')
    assert fsbench("study", "mine.toml", "--dry-run") == 0
    shown = capfd.readouterr().out
    assert "mine: what for" in shown
    row = re.search(r"simple-shot +│ conv4-64 +│ mine +│ +1 │ +0 │ +1 │ +unknown", shown)
    assert row, shown
    assert "0 of 2 cells are done; time left: unknown" in shown
    assert not (empty_home / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["smok"], "did you mean 'smoke'"),
        (["absent.toml"], "cannot read the study absent.toml (no such file or directory)"),
        (["bad.toml"], "bad.toml: no key is called 'shot'; did you mean 'shots'?"),
        (["tagged.toml"], "tagged.toml: tags that begin with fsbench. or mlflow. are taken"),
        (["mistaken.toml"], "no method is called 'ssl-metta'; did you mean 'ssl-meta'?"),
    ],
)
def test_mistakes_end_in_one_line(
    arguments: list[str], says: str, folder: Path, capfd: Capture
) -> None:
    (folder / "bad.toml").write_text('methods = "tim"\nshot = 1')
    (folder / "tagged.toml").write_text('methods = "tim"\ntags = { "mlflow.user" = "x" }')
    (folder / "mistaken.toml").write_text('methods = "ssl-metta"')
    assert fsbench("study", *arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert says in line
