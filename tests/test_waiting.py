"""Nothing waits for a GPU in a loop, and nothing is left behind on the CPU: see `tests.waiting`."""

import subprocess
import sys

import pytest

from tests.sources import ROOT


@pytest.mark.slow
def test_on_a_device_that_is_none() -> None:
    """In a process of its own: torch keeps what it was told of a device, also when it forks."""
    command = [sys.executable, "-m", "pytest", "tests/waiting.py", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, "-n", "0"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
