"""The batch script of the guide to studies is one."""

import re
import shutil
import subprocess

import pytest

from tests.guides import DOCS


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_slurm_is_read_by_bash_and_asks_for_what_there_is() -> None:
    script = re.search(r"```sh\n(#!/bin/bash\n.*?)```", (DOCS / "study.md").read_text(), re.S)
    assert script is not None
    done = subprocess.run(["bash", "-n"], input=script[1], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fsbench study mine.toml --engine ray --address" in script[1]
