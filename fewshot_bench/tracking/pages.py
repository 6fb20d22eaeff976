"""MLflow's own pages of a store, served on this machine by a process group of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.schema import require_current
from fewshot_bench.tracking.secrets import repeated
from fewshot_bench.tracking.store import check_answers, is_server, naming, sqlite_file, store_name
from fewshot_bench.utilities.files import require_writable
from fewshot_bench.utilities.progress import say

LOCAL = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 120  # the server imports for 5 to 20 s on two busy cores


@contextmanager
def pages(uri: str, host: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve the pages of a store while the block lasts; SIGTERM then ends it as Ctrl-C does.

    Raises:
        UsageError: the server did not start.
    """
    with _server(uri, host, port) as server:
        if not _wait(server, address_of(host, port)):
            raise UsageError("MLflow's server did not start; its messages are above")
        yield server


def address_of(host: str, port: int) -> str:
    """What a browser is given."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check_pages(uri: str, host: str, port: int) -> None:
    """Refuse what cannot work.

    Raises:
        UsageError: the store is a server itself, is missing or silent, or the port is taken.
    """
    if is_server(uri):
        raise UsageError(f"{store_name(uri)} is an MLflow server already; open it in a browser")
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise UsageError(
            f"there is no {file}; make a run first with 'fsbench run{naming(uri)}', or name the "
            "store with --tracking-uri"
        )
    if file is not None:
        require_writable(file)
    check_answers(uri)
    require_current(f"sqlite:///{file}" if file else uri)
    _check_free(host, port)


def _check_free(host: str, port: int) -> None:
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
def _server(uri: str, host: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run MLflow's server in a process group of its own, and end the whole group."""
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
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    Thread(target=_pass_on, args=(server, uri), daemon=True).start()
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(server)


def _pass_on(server: "subprocess.Popen[bytes]", uri: str) -> None:
    """Show what the server complains of, but for lines that betray a password of the store."""
    for line in server.stderr or ():
        if told := repeated(line.decode("utf-8", "replace").rstrip(), uri):
            say(told)


def _end(server: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", address: str) -> bool:
    """Wait until the server answers; False if it ended or took too long."""
    direct = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with direct.open(f"{address}/health", timeout=5):
                return True
        except (URLError, OSError):
            time.sleep(0.2)
    return False
