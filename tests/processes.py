"""Real processes: the command line, and MLflow's server."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fewshot_bench.data.store import open_dataset

ROOT = Path(__file__).parents[1]
FSBENCH = [sys.executable, "-c", "from fewshot_bench.cli import main; main()"]
Done = subprocess.CompletedProcess[str]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def start(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a command in a folder, its home inside, with the data set that is drawn already."""
    home = folder / "home"
    if not home.exists():
        open_dataset("glyphs")
        home.mkdir(parents=True)
        (home / "data").symlink_to(Path(os.environ["FSBENCH_HOME"]) / "data")
    own = {"FSBENCH_HOME": str(home), "NO_PROXY": "127.0.0.1", "COLUMNS": "120", **environment}
    inherited = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*FSBENCH, *arguments],
        cwd=folder,
        env={**inherited, **own},
        text=True,
        stdout=pipe,
        stderr=pipe,
    )


def fsbench(folder: Path, *arguments: str, **environment: str) -> Done:
    """Run a command to its end, see `start`."""
    process = start(folder, *arguments, **environment)
    output, errors = process.communicate(timeout=300)
    return Done(process.args, process.returncode, output, errors)


@contextmanager
def server(folder: Path, port: int, store: str = "sqlite:///mlflow.db") -> Iterator[str]:
    """Run MLflow's server over a store while the block lasts; yields its address."""
    folder.mkdir(exist_ok=True)
    (folder / "mlflow.db").touch()
    command = [*FSBENCH, "ui", "--port", str(port), "--tracking-uri", store]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "MLflow is at" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def imported_by(statements: str, cwd: Path) -> set[str]:
    """Run statements in a fresh interpreter; return the names of all modules it ended with."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\nMODULES', *sys.modules, file=sys.stderr))\n" + statements
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=False
    )
    complaint, _, modules = done.stderr.rpartition("\nMODULES ")
    assert done.returncode == 0, complaint
    return set(modules.split())
