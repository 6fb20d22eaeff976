"""The password of a tracking store is sent to the store, and nowhere else to be found."""

import base64
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.processes import FSBENCH, Done, free_port, fsbench, server

RUN = ["run", "--method", "simple-shot", "--preset", "smoke", "--episodes", "20"]
RUN += ["--set", "pretrain=none"]
USER, PASSWORD = "erika", "s3cr3tPassw0rd"
TRACES = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())


def uri(port: int) -> str:
    return f"http://{USER}:{PASSWORD}@127.0.0.1:{port}"


def assert_untraced(done: Done, folder: Path) -> None:
    """Nothing printed and no file shows the password, as it is or encoded."""
    for trace in TRACES:
        assert trace not in done.stdout + done.stderr
        for file in folder.rglob("*"):
            assert trace not in str(file)
            assert not file.is_file() or trace.encode() not in file.read_bytes(), file


class Echo(BaseHTTPRequestHandler):
    """Refuses every request with all that came, as a server in debugging mode does."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sent = self.headers["Authorization"]
        place = uri(self.server.server_port)  # type: ignore[attr-defined]
        body = f"bad request for {place} with {sent}".encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[int]:
    """Port of a server that repeats the credentials it gets."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("command", [RUN, ["table"], ["ui"]], ids=lambda c: c[0])
def test_a_dead_server(command: list[str], tmp_path: Path) -> None:
    port = free_port()
    done = fsbench(tmp_path, *command, "--tracking-uri", uri(port))
    code = 0 if command == RUN else 2  # a result is kept until the store is back
    assert done.returncode == code
    assert "http://***@127.0.0.1" in done.stderr
    assert_untraced(done, tmp_path)
    done = fsbench(tmp_path, *command, MLFLOW_TRACKING_URI=uri(port))
    assert done.returncode == code
    assert_untraced(done, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("command", [RUN, ["table"]], ids=lambda c: c[0])
def test_a_server_that_repeats_what_it_gets(command: list[str], echo: int, tmp_path: Path) -> None:
    done = fsbench(tmp_path, *command, "--tracking-uri", uri(echo))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert_untraced(done, tmp_path)


@pytest.fixture(scope="module")
def run_on_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Done, Done]]:
    """A run and a table on MLflow's server, which accepts any credentials.

    Yields:
        The folder of the server and both commands, and what they printed.
    """
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    with server(folder, port):
        run = fsbench(folder, *RUN, "--tracking-uri", uri(port))
        table = fsbench(folder, "table", "-o", "table.html", "--tracking-uri", uri(port))
        yield folder, run, table


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_run_leaves(run_on_server: tuple[Path, Done, Done]) -> None:
    """Home, table, and the server's database and artifacts."""
    folder, run, table = run_on_server
    assert run.returncode == table.returncode == 0, run.stderr + table.stderr
    assert list(folder.glob("home/results/*.json"))
    assert list(folder.glob("mlartifacts/**/config.json"))
    assert_untraced(table, folder)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_run_prints(run_on_server: tuple[Path, Done, Done]) -> None:
    folder, run, _ = run_on_server
    assert_untraced(run, folder)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc of Linux")
@pytest.mark.slow
def test_the_store_of_the_ui_is_no_argument(tmp_path: Path) -> None:
    """Every user of the machine can read the arguments of a process."""
    (tmp_path / "a.db").touch()
    secret, port = "31337.125", free_port()
    store = f"sqlite:///{tmp_path / 'a.db'}?timeout={secret}"
    command = [*FSBENCH, "ui", "--port", str(port)]
    process = subprocess.Popen(
        command, env={**os.environ, "MLFLOW_TRACKING_URI": store}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "MLflow is at" in process.stdout.readline()
        arguments = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline")]
        ours = [line for line in arguments if str(port).encode() in line]
        assert len(ours) >= 2  # the command and its server
        assert not [line for line in ours if secret.encode() in line]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
