"""``fsbench ui``: browse runs in MLflow's own pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from subprocess import Popen

LOCAL = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 120  # the server imports for 5 to 20 s on two busy cores


def ui(
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store.  [default: sqlite:///mlflow.db]")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this one expose all runs.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5000,
) -> None:
    """Start MLflow's pages on this machine and say where; Ctrl-C ends them."""
    from fewshot_bench.errors import UsageError
    from fewshot_bench.tracking.store import chosen_uri

    uri = chosen_uri(tracking_uri)
    _check(uri, host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if host not in LOCAL:
        typer.echo(
            f"warning: everyone who reaches {host} can read, change and delete all runs and "
            "files of this store",
            err=True,
        )
    with _server(uri, host, port) as server:
        if not _wait(server, address):
            raise UsageError("MLflow's server did not start; its messages are above")
        typer.echo(f"MLflow is at {address} (Ctrl-C ends it)")
        server.wait()


def _check(uri: str, host: str, port: int) -> None:
    """Refuse what cannot work.

    Raises:
        UsageError: the store is a server itself, is missing or silent, or the port is taken.
    """
    from fewshot_bench.errors import UsageError
    from fewshot_bench.tracking.store import check_answers, is_server, redacted, sqlite_file

    if is_server(uri):
        raise UsageError(f"{redacted(uri)} is an MLflow server already; open it in a browser")
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise UsageError(
            f"there is no {file}; make a run first with 'fsbench run', or name the store with "
            "--tracking-uri"
        )
    check_answers(uri)
    _check_free(host, port)


def _check_free(host: str, port: int) -> None:
    import socket

    from fewshot_bench.errors import UsageError

    try:
        kind, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(place, family=kind).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise UsageError(
            f"cannot listen on {host} port {port} ({reason.lower()}); choose another --port "
            "or --host"
        ) from error


@contextmanager
def _server(uri: str, host: str, port: int) -> Iterator["Popen[bytes]"]:
    """Run MLflow's server in a process group of its own, and end the whole group."""
    import signal
    import subprocess
    import sys

    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    environment = {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,  # not an argument: every user could read a password there
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # background jobs that nobody asked for
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",  # of the server's own dependencies
    }
    # SIGTERM ends this process as Ctrl-C does, or the server would outlive it.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )  # errors come on stderr
    try:
        yield server
    except KeyboardInterrupt:
        typer.echo("\nended")
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(server)


def _end(server: "Popen[bytes]") -> None:
    import signal
    import subprocess
    from contextlib import suppress

    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait(server: "Popen[bytes]", address: str) -> bool:
    """Wait until the server answers; False if it ended or took too long."""
    import time
    from urllib.error import URLError
    from urllib.request import ProxyHandler, build_opener

    direct = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with direct.open(f"{address}/health", timeout=5):
                return True
        except (URLError, OSError):
            time.sleep(0.2)
    return False
