"""``fsbench ui`` as a user meets it."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import pages
from tests.processes import free_port


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_ui_serves_pages_and_ends_with_all_its_processes(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()  # the server fills an empty database
    port = free_port()
    start = "from fewshot_bench.cli import main; main()"
    command = [sys.executable, "-c", start, "ui", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == f"MLflow is at http://127.0.0.1:{port} (Ctrl-C ends it)\n"
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/") as page:
            assert "<title>MLflow</title>" in page.read().decode()
        with pytest.raises(OSError, match="refused"):  # this machine by another of its names
            socket.create_connection(("127.0.0.2", port))
        process.send_signal(signal.SIGTERM)  # handled as Ctrl-C is
        assert process.wait(20) == 0
    finally:
        process.terminate()  # never kill: the server would outlive it
        process.wait(20)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize(("host", "exposed"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_another_address_says_what_it_exposes(
    host: str, exposed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.db").touch()
    monkeypatch.setattr(pages, "_server", lambda *_: nullcontext())
    monkeypatch.setattr(pages, "_wait", lambda *_: False)
    uri = f"sqlite:///{tmp_path / 'a.db'}"
    arguments = ["ui", "--host", host, "--port", str(free_port()), "--tracking-uri", uri]
    outcome = CliRunner().invoke(app, arguments)
    warned = f"everyone who reaches {host} can read, change and delete all runs" in outcome.output
    assert warned == exposed


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        arguments = ["ui", "--port", port, "--tracking-uri", f"sqlite:///{tmp_path / 'a.db'}"]
        outcome = CliRunner().invoke(app, arguments)
    assert isinstance(outcome.exception, UsageError)
    assert f"port {port} (address already in use); choose another --port" in str(outcome.exception)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sqlite:///nowhere.db", "make a run first"),
        ("http://me:secret@host:1", "is an MLflow server already"),
    ],
)
def test_a_store_that_cannot_be_browsed_is_one_line(uri: str, words: str) -> None:
    outcome = CliRunner().invoke(app, ["ui", "--tracking-uri", uri])
    assert isinstance(outcome.exception, UsageError)
    assert words in str(outcome.exception)
    assert "secret" not in str(outcome.exception)
