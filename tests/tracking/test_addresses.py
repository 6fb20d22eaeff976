"""Addresses of stores: what each part means, to the last port."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking import store
from fewshot_bench.tracking.store import (
    StoreAwayError,
    TrackingError,
    artifact_folder,
    check_answers,
    chosen_uri,
    impatient,
    is_server,
    naming,
    one_line,
    scheme_of,
    sqlite_file,
    store_name,
)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_store_is_asked_for_named_by_the_environment_or_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_uri(None) == chosen_uri("") == "sqlite:///mlflow.db"
    assert chosen_uri(" http://h ") == "http://h"
    assert naming("sqlite:///mlflow.db") == ""
    assert naming("http://me:pw@h") == " --tracking-uri http://***@h"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", " http://env ")
    assert chosen_uri(None) == chosen_uri("") == "http://env"
    assert chosen_uri("http://h") == "http://h"
    assert naming("http://env") == ""
    file = Path("mlflow.db").absolute()
    assert naming("sqlite:///mlflow.db") == f" --tracking-uri sqlite:///{file}"


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("sqlite:///x.db", "sqlite"),
        ("SQLite:///x.db", "sqlite"),
        ("sqlite:///a\nb.db", "sqlite"),
        ("HTTP://h", "http"),
        ("https://h", "https"),
        ("postgresql+psycopg2://h/x", "postgresql"),
        ("mysql+a_1://h/x", "mysql"),
        ("MSSQL+pyodbc://h/x", "mssql"),
    ],
)
def test_kinds_of_stores(uri: str, scheme: str) -> None:
    assert scheme_of(uri) == scheme
    assert is_server(uri) is (scheme in ("http", "https"))


@pytest.mark.parametrize("uri", ["", "x.db", "file:///x", "ftp://h", "XXhttp://h", "http:/h"])
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(UsageError, match=r"is no tracking URI; use sqlite:///FILE\.db"):
        scheme_of(uri)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("http://h", ("h", 80)),
        ("https://h/x?y=1#z", ("h", 443)),
        ("postgresql://h", ("h", 5432)),
        ("postgresql+psycopg2://me:pw@h.example/x", ("h.example", 5432)),
        ("mysql+pymysql://h", ("h", 3306)),
        ("mssql://h", ("h", 1433)),
        ("HTTP://a-b:8080/x", ("a-b", 8080)),
        ("http://h:", ("h", 80)),
        ("http://me@corp:p@w@h:1", ("h", 1)),
        ("http://[::1]:65535", ("::1", 65535)),
        ("http://[FE80::1%eth0]", ("FE80::1%eth0", 80)),
    ],
)
def test_where_a_server_is(
    uri: str, place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[str, int], float]] = []
    found = socket.socket()

    def connect(where: tuple[str, int], timeout: float) -> socket.socket:
        asked.append((where, timeout))
        return found

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(store, "getproxies", lambda: {"no": "x"})
    check_answers(uri)
    assert asked == [(place, 3)]
    assert found.fileno() == -1  # closed


@pytest.mark.parametrize(
    "uri",
    [
        "http://",
        "http://h:65536",
        "http://h:100000",
        "http://h:x",
        "postgresql://me@corp:pw@h/x",
        "http://h/x@y",
        "http://a b",
        "http://a\\b",
        "http://[::1",
        "http://me[@h",
    ],
)
def test_where_a_server_is_cannot_be_told(uri: str) -> None:
    with pytest.raises(UsageError, match=r"^the address of the store \(.*\) names no host that"):
        scheme_of(uri)


def test_who_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [ConnectionRefusedError(), UnicodeError()]

    def refuse(*_: Any, **__: Any) -> None:
        raise errors.pop()

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(store, "getproxies", dict)
    check_answers("sqlite:///absent.db")
    while errors:
        with pytest.raises(StoreAwayError, match=r"http://\*\*\*@h does not answer at h port 80;"):
            check_answers("http://me:pw@h")


def test_what_a_proxy_alone_reaches_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(store, "getproxies", lambda: {"http": "http://proxy"})
    monkeypatch.setattr(store, "proxy_bypass", {"far": False, "near": True}.__getitem__)
    check_answers("http://far")
    for uri in ("http://near", "https://far"):
        with pytest.raises(StoreAwayError):
            check_answers(uri)


def test_files_and_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sqlite_file("sqlite:///a/x.db?timeout=5") == tmp_path / "a" / "x.db"
    assert sqlite_file("sqlite:////y/x.db") == Path("/y/x.db")
    assert sqlite_file("http://h/x.db") is None
    for uri in ("sqlite://x.db", "sqlite:///", "sqlite:///:memory:", "sqlite://", "sqlite:///?a"):
        with pytest.raises(UsageError, match=r"names no file; use sqlite:///FILE\.db"):
            sqlite_file(uri)
    assert artifact_folder("sqlite:///a/x.db") == tmp_path / "a" / "mlartifacts"
    assert artifact_folder("postgresql://h/x") == tmp_path / "mlartifacts"
    assert store_name("sqlite:///x.db?timeout=5") == f"sqlite:///{tmp_path / 'x.db'}"


def test_mlflow_is_impatient_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    retries, timeout = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"
    monkeypatch.setenv(retries, "7")
    monkeypatch.delenv(timeout, raising=False)
    for seconds, given in ((5, {}), (60, {"seconds": 60})):
        with pytest.raises(KeyError), impatient(**given):
            assert (os.environ[retries], os.environ[timeout]) == ("1", str(seconds))
            raise KeyError
        assert (os.environ[retries], os.environ.get(timeout)) == ("7", None)


class RefusalError(Exception):
    """Stands for an error of MLflow's."""

    def __init__(self, status: int) -> None:
        super().__init__("no")
        self.status = status

    def get_http_status_code(self) -> int:
        return self.status


@pytest.mark.parametrize(
    ("uri", "status", "kind"),
    [
        ("http://h", 499, TrackingError),
        ("http://h", 500, StoreAwayError),
        ("http://h", 503, StoreAwayError),
        ("postgresql://h/x", 500, TrackingError),
    ],
)
def test_a_server_in_trouble_is_away(uri: str, status: int, kind: type[Exception]) -> None:
    with pytest.raises(UsageError) as caught, one_line(uri):
        raise RefusalError(status)
    assert type(caught.value) is kind


def test_any_error_of_a_store_is_one_line() -> None:
    end = "; mend it, or choose another with --tracking-uri"
    reasons = {
        "  first\nsecond": "first",
        "": "ValueError",
        "y" * 301: "y" * 300,
    }
    for text, reason in reasons.items():
        with pytest.raises(TrackingError) as caught, one_line("http://me:pw@h"):
            raise ValueError(text)
        told = f"the tracking store http://***@h cannot be used ({reason}){end}"
        assert (str(caught.value), type(caught.value)) == (told, TrackingError)
    needs = "http://h needs the Python package psycopg2; install it"
    with pytest.raises(TrackingError, match=needs), one_line("http://h"):
        raise ModuleNotFoundError(name="psycopg2")
    ours = UsageError("ours")
    with pytest.raises(UsageError) as same, one_line("http://h"):
        raise ours
    assert same.value is ours
