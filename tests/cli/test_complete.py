"""What the shell completes, asked for as the shell does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def completed(line: str, home: Path) -> list[str]:
    """Return the words that bash would offer after `line`."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "FSBENCH_HOME": str(home),
        "_FSBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "from fewshot_bench.cli import app; app(prog_name='fsbench')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fsbench run --method ssl", ["ssl-meta", "ssl-meta-plus"]),
        ("fsbench run -m meta-", ["meta-baseline", "meta-sgd"]),
        ("fsbench run --backbone conv4-1", ["conv4-128"]),
        ("fsbench run --dataset mini", ["mini-imagenet"]),
        ("fsbench run --dataset min", ["mine", "mini-imagenet"]),
        ("fsbench run --preset s", ["smoke"]),
        ("fsbench list b", ["backbones"]),
        ("fsbench list methods sn", ["snail"]),
        ("fsbench list backbones wr", ["wrn-28-10"]),
        ("fsbench list datasets fc", ["fc100"]),
        ("fsbench table -f l", ["latex"]),
        ("fsbench table --metric m", ["macro-f1"]),
    ],
)
def test_names_are_completed(line: str, offered: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mine"
    folder.mkdir(parents=True)
    (folder / "dataset.json").touch()
    assert completed(line, tmp_path) == offered
