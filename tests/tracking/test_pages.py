"""MLflow's server: how it is begun, waited for and ended, with one that is only pretended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.error import URLError

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import pages
from fewshot_bench.tracking.pages import LOCAL, START_SECONDS, address_of

URI = "postgresql://me:hunter-2-swordfish@host/x"


class Server:
    """Stands for a process; `waits` says for each waiting whether it takes too long."""

    pid = 4321

    def __init__(self, *waits: bool, errors: list[bytes] | None = None) -> None:
        self.waits, self.stderr, self.waited = [*waits], errors, list[int | None]()
        self.asked: tuple[list[str], dict[str, Any]] | None = None
        self.ended: int | None = None

    def wait(self, seconds: int | None = None) -> None:
        self.waited.append(seconds)
        if self.waits and self.waits.pop(0):
            raise subprocess.TimeoutExpired("mlflow", 10)

    def poll(self) -> int | None:
        return self.ended


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What process groups were told."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda *what: sent.append(what))
    return sent


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, signals: list[Any]) -> Server:
    """A server that is begun in place of MLflow's."""
    server = Server()

    def begin(command: list[str], **how: Any) -> Server:
        server.asked = command, how
        return server

    monkeypatch.setattr(subprocess, "Popen", begin)
    return server


def test_it_is_served_to_this_machine_unless_another_is_named() -> None:
    assert LOCAL == ("127.0.0.1", "localhost", "::1")
    assert address_of("localhost", 80) == "http://localhost:80"
    assert address_of("::1", 80) == "http://[::1]:80"
    assert START_SECONDS == 120


def test_the_server_has_a_group_of_its_own_and_no_password_in_its_arguments(
    begun: Server, signals: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "x")
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    with pages._server(URI, "::1", 81) as server:
        assert server is begun  # type: ignore[comparison-overlap]
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
        assert signals == []
    assert begun.asked is not None
    command, how = begun.asked
    assert command == [
        *(sys.executable, "-m", "mlflow", "server", "--host", "::1", "--port", "81"),
        *("--workers", "1", "--uvicorn-opts", "--log-level warning"),
    ]
    told = how.pop("env")
    assert told["OURS"] == "x"
    ours = {
        "MLFLOW_BACKEND_STORE_URI": URI,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    assert {name: told[name] for name in ours} == ours
    assert how == {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "start_new_session": True,
    }
    assert signals == [(4321, signal.SIGTERM)]


def test_what_it_changed_in_this_process_is_put_back(begun: Server, signals: list[Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), pages._server(URI, "::1", 81):
        raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGTERM) is before
    assert signals == [(4321, signal.SIGTERM)]


def test_its_complaints_are_passed_on_by_a_thread_that_keeps_nobody(
    begun: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[tuple[Any, ...]] = []

    class Told:
        def __init__(self, target: Any = None, args: Any = None, daemon: bool = False) -> None:
            self.what = target, args, daemon

        def start(self) -> None:
            threads.append(self.what)

    monkeypatch.setattr(pages, "Thread", Told)
    with pages._server(URI, "::1", 81):
        pass
    assert threads == [(pages._pass_on, (begun, URI), True)]


def test_complaints_are_shown_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server(errors=[b"it is \xff late  \n", b"login hunter-2 refused\n"])
    pages._pass_on(server, URI)  # type: ignore[arg-type]
    pages._pass_on(Server(), URI)  # type: ignore[arg-type]  # it has no such stream
    assert capsys.readouterr().err == "it is \ufffd late\n"


def test_a_server_that_does_not_end_is_killed(
    signals: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = Server(True, False), Server()
    pages._end(slow)  # type: ignore[arg-type]
    assert signals == [(4321, signal.SIGTERM), (4321, signal.SIGKILL)]
    assert slow.waited == [10, None]
    signals.clear()
    pages._end(quick)  # type: ignore[arg-type]
    assert (signals, quick.waited) == ([(4321, signal.SIGTERM)], [10])

    def gone(*_: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", gone)
    pages._end(Server())  # type: ignore[arg-type]


class Clock:
    """A clock that goes on by what is slept, and a server that answers at its third asking."""

    def __init__(self, patch: pytest.MonkeyPatch, answers_at: int) -> None:
        self.now, self.asked, self.answers_at = 1000.0, list[tuple[str, float]](), answers_at
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(time, "sleep", self.sleep)
        patch.setattr(pages, "build_opener", lambda _: self)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def open(self, address: str, timeout: float) -> Any:
        self.asked.append((address, timeout))
        if len(self.asked) < self.answers_at:
            raise URLError("refused") if len(self.asked) % 2 else ConnectionResetError
        return nullcontext()


def test_it_is_waited_for_until_it_answers_or_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 3)
    assert pages._wait(Server(), "http://a") is True  # type: ignore[arg-type]
    assert clock.asked == [("http://a/health", 5)] * 3
    assert clock.now == pytest.approx(1000.4)
    late = Clock(monkeypatch, 10**9)
    assert pages._wait(Server(), "http://a") is False  # type: ignore[arg-type]
    assert 1120 <= late.now < 1120.5
    assert len(late.asked) == pytest.approx(600, abs=2)
    dead, unasked = Server(), Clock(monkeypatch, 1)
    dead.ended = 1
    assert pages._wait(dead, "http://a") is False  # type: ignore[arg-type]
    assert unasked.asked == []


@pytest.mark.parametrize("answers", [True, False])
def test_pages_that_do_not_come_are_a_mistake(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[Any, str]] = []

    @contextmanager
    def begin(*where: Any) -> Iterator[tuple[Any, ...]]:
        yield where

    def wait(server: Any, address: str) -> bool:
        waited.append((server, address))
        return answers

    monkeypatch.setattr(pages, "_server", begin)
    monkeypatch.setattr(pages, "_wait", wait)
    refused = nullcontext() if answers else pytest.raises(UsageError, match="did not start")
    with refused, pages.pages(URI, "::1", 81) as server:
        assert server == (URI, "::1", 81)  # type: ignore[comparison-overlap]
    assert waited == [((URI, "::1", 81), "http://[::1]:81")]
