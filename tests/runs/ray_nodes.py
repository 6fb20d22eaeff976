"""Ray clusters of nodes on this machine, each with a home of its own; any part can be killed."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tests.processes import ROOT

RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
SECONDS_TO_START = 300.0
Found = TypeVar("Found")


class Node:
    """A node of one core.

    Args:
        home: of fewshot_bench on it.
        arguments: of ``ray start``.
    """

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        own = {
            "FSBENCH_HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._log = home.with_suffix(".log")
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*RAY, "start", "--block", "--num-cpus=1", "--disable-usage-stats", *arguments],
                env={**os.environ, **own},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        until(self._is_up, SECONDS_TO_START)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        return "Ray runtime started" in self._log.read_text()

    def workers(self, word: str) -> list[int]:
        """Processes of this node that do a task with a word in its name."""
        task = re.compile(rf"ray::.*\b{word}\b")
        return [pid for pid, title in self._own() if task.match(title)]

    def _own(self) -> Iterator[tuple[int, str]]:
        """Processes of the node, and what they call themselves."""
        mine = f"FSBENCH_HOME={self.home}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                title = (folder / "cmdline").read_bytes().split(b"\0")[0].decode()
                if mine in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name), title

    def kill(self) -> None:
        """Kill all of it at once."""
        for _ in range(3):  # some are just starting others
            for pid, _title in list(self._own()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        self.process.wait()


@contextmanager
def cluster(folder: Path, port: int) -> Iterator[Callable[[str], Node]]:
    """Yield what adds a node of a name; the first is the head, at a port of 127.0.0.1."""
    nodes: list[Node] = []
    own = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)  # a short path

    def add(name: str) -> Node:
        head = ["--head", f"--port={port}", "--include-dashboard=false"]
        head += [f"--temp-dir={own.name}"]
        arguments = [f"--address=127.0.0.1:{port}"] if nodes else head
        place = folder / name
        try:
            node = Node(place, "--node-ip-address=127.0.0.1", *arguments)
        except AssertionError:  # Ray gives a node 30 s, too few on a busy machine
            node = Node(place, "--node-ip-address=127.0.0.1", *arguments)
        nodes.append(node)
        return node

    try:
        yield add
    finally:
        for node in reversed(nodes):
            node.kill()
        own.cleanup()


def until(
    happened: Callable[[], Found], seconds: float, process: subprocess.Popen[str] | None = None
) -> Found:
    """Wait for something, which a process does before it ends, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found
