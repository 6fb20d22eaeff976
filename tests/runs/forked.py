"""Commands in processes that begin with everything imported, so that many can be killed."""

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        "alembic.command",
        "mlflow.store.artifact.artifact_repository_registry",
        "mlflow.store.tracking.sqlalchemy_store",
        "torch._dynamo",  # which an optimiser brings
        "fewshot_bench.cli",
        "fewshot_bench.runs.driver",
        "fewshot_bench.runs.shared",
        "fewshot_bench.runs.plan",
        "fewshot_bench.runs.runner",
        "fewshot_bench.methods.ssl_meta",
    ]
)


def start(folder: Path, *arguments: str) -> ForkServerProcess:
    """Start a command in a folder, its home inside; what it says is added to ``said``."""
    process = FORKING.Process(target=_command, args=(folder, arguments))
    process.start()
    return process


def fsbench(folder: Path, *arguments: str) -> None:
    """Run a command to its end, which must be a good one."""
    process = start(folder, *arguments)
    process.join(600)
    assert process.exitcode == 0, said(folder)


def said(folder: Path) -> str:
    """All that the commands in a folder said."""
    file = folder / "said"
    return file.read_text("utf-8") if file.exists() else ""


def _command(folder: Path, arguments: tuple[str, ...]) -> None:
    from fewshot_bench.cli import main

    os.chdir(folder)
    os.environ.update(FSBENCH_HOME=str(folder / "home"), NO_PROXY="127.0.0.1")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with Path("said").open("a") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    main(list(arguments))
