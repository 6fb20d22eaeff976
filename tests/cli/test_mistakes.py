"""Ordinary mistakes and poor surroundings: one line each that says what to do, and exit code 2."""

import errno
import io
import os
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_bench import cli
from fewshot_bench.cli import main, terminal
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.runs import driver
from tests.data.files import image_tree, make_files

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that is to fail; return its one line."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        line = capsys.readouterr().err
        assert (stop.value.code, line.count("\n")) == (2, 1), line
        return line

    return run


@pytest.fixture
def mine(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with embeddings, and a current folder."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", X=rng.normal(size=(120, 4)), y=np.repeat(range(6), 20))
    import_dataset("embeddings", tmp_path / "x.npz", as_name="mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return empty_home


def test_a_method_without_training_has_no_such_section(refused: Refused) -> None:
    line = refused("run", "-m", "simple-shot", "--dry-run", "--set", "train.steps=5")
    assert "simple-shot has no section 'train'" in line
    assert "it has pretrain and " in line
    assert "leave train out of --set" in line


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError("Unable to allocate 8 TiB"), "Unable to allocate 8 TiB"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "[enforce"),
        (torch.OutOfMemoryError("CUDA out of memory"), "CUDA out of memory"),
        (BrokenProcessPool("A process was terminated abruptly"), "A process was terminated"),
    ],
)
def test_too_little_memory_is_called_so(
    error: Exception, reason: str, refused: Refused, monkeypatch: pytest.MonkeyPatch, mine: Path
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(driver, "_warn_if_away", fail)
    line = refused("run", "-m", "tim", "--dataset", "mine", "--shots", 1)
    assert f"there is too little memory ({reason}" in line
    assert "ask for less" in line


def test_another_error_of_torch_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(RuntimeError, match="mat1"):
        main([])


def test_a_home_that_is_a_file(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "file"))
    monkeypatch.chdir(tmp_path)
    tree = make_files(tmp_path / "tree", image_tree({s: [s] for s in ("train", "val", "test")}))
    for arguments in (
        ["run", "-m", "simple-shot"],
        ["data", "show", "glyphs"],
        ["data", "import", "folder", tree],
    ):
        assert "cannot write" in refused(*arguments)
    assert "no finished run" in refused("table")  # which makes no file
    assert not Path("mlflow.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["table", "-o", "file/x.md"],
        ["data", "show", "mine", "--output", "file/x.png"],
        ["data", "export", "mine", "-o", "file/x.npz"],
        ["predict", "-m", "tim", "--support", "s", "--query", "q", "-o", "file/x.csv"],
        ["run", "-m", "tim", "--dataset", "mine", "--tracking-uri", "sqlite:///file/x.db"],
    ],
)
def test_an_output_where_no_file_can_be_made(
    arguments: list[str], refused: Refused, mine: Path
) -> None:
    Path("file").touch()
    assert "cannot write " in (line := refused(*arguments))
    assert "choose another place" in line
    assert not (mine / "results").exists()


def test_a_place_that_is_read_only(
    refused: Refused, mine: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the system's refusal is made up."""

    def fail(**_where: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("fewshot_bench.utilities.files.TemporaryFile", fail)
    for arguments in (
        ["run", "-m", "tim", "--dataset", "mine"],
        ["ui", "--tracking-uri", uri],
        ["data", "show", "mine"],
        ["table", "-o", "x.md"],
    ):
        assert "(Read-only file system); make room or choose" in refused(*arguments)


LONG = "x" * 300


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data", "import", "embeddings", "x.npz", "--name", LONG], "use at most 200 letters"),
        (["data", "import", "folder", LONG], "cannot be read: File name too long"),
        (["data", "import", "folder", ".", "--split-file", LONG], "too long"),
        (["run", "-m", LONG], "no method is called"),
        (["run", "-m", "tim", "--dataset", LONG], "no dataset is called"),
        (["table", "-o", f"{LONG}.md"], "too long"),
        (["run", "-m", "tim", "--weights", LONG], "no file of weights"),
        (["data", "import", "folder", "\udcff"], r"\udcff does not exist"),
        (["data", "import", "embeddings", "x.npz", "--name", "\udcff"], "cannot name a dataset"),
        (["run", "-m", "\udcff"], "no method is called"),
        (["run", "-m", "tim", "--dataset", "mine", "--set", "lr=\udcff"], "lr"),
        (["run", "-m", "tim", "--dataset", "\udcff"], "no dataset is called"),
    ],
)
def test_names_that_are_long_or_not_utf8(
    arguments: list[str], words: str, refused: Refused, mine: Path
) -> None:
    assert words in refused(*arguments)


def test_a_study_of_data_that_only_a_user_can_bring_says_how(refused: Refused) -> None:
    said = refused("study", "deep-backbones")
    assert "no dataset is called 'cifar-fs-wrn'" in said
    assert "('fsbench data import' brings your own in)" in said


def test_classes_with_long_names_are_kept(mine: Path) -> None:
    labels = np.repeat([f"{i}{'é' * 300}" for i in range(2)], 20)
    np.savez("long.npz", X=np.ones((40, 2)), y=labels)
    found = import_dataset("embeddings", Path("long.npz"), as_name="long")
    assert [len(name) for name in found["test"].class_names] == [301, 301]


def written(encoding: str, text: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a terminal of an encoding gets, of print and of click."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding))
    terminal.print_what_can_be_printed()
    import click

    print(text)
    click.echo(text)
    sys.stdout.flush()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"61.35 +- 0.49 \\u4e2d \\udcff x...\n"),
        ("latin-1", b"61.35 \xb1 0.49 \\u4e2d \\udcff \xd7...\n"),
        ("utf-8", "61.35 ± 0.49 中 \\udcff \u00d7…\n".encode()),
    ],
)
def test_signs_that_a_terminal_does_not_know(
    encoding: str, shown: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "61.35 ± 0.49 中 \udcff \u00d7…"
    assert written(encoding, text, monkeypatch) == 2 * shown


def test_run_and_table_on_a_plain_terminal(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every command that prints; two of them print ±."""
    shown = []
    for command in (
        ["run", "-m", "tim", "--dataset", "mine", "--episodes", "4", "--queries", "2"],
        ["table"],
        ["data", "list"],
        ["list", "methods"],
        ["list", "methods", "tim"],
    ):
        buffer = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, "ascii"))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), "ascii"))
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert not stop.value.code
        sys.stdout.flush()
        shown.append(buffer.getvalue().decode("ascii"))
    assert " +- " in shown[0]
    assert " +- " in shown[1]
