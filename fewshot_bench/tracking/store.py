"""Stores of runs: their addresses, checked in seconds, and their errors without passwords."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from fewshot_bench.errors import UsageError

DEFAULT_URI = "sqlite:///mlflow.db"
PATIENCE = 3.0  # seconds that a server has to accept a connection
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
SERVER_ERROR = 500  # the first of HTTP's codes for "not now"
_FORMS = "use sqlite:///FILE.db, postgresql://HOST/NAME or http://HOST:PORT"


class TrackingError(UsageError):
    """A store cannot be used."""


class StoreAwayError(TrackingError):
    """Nobody answers at a store's address now; what was meant for it is to be kept."""


def chosen_uri(uri: str | None) -> str:
    """Return `uri`, else ``$MLFLOW_TRACKING_URI``, else a database in the current folder."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def redacted(text: str) -> str:
    """Hide user names, passwords, tokens and query parts of every address in `text`."""
    text = re.sub(r"://[^/\s]*@", "://***@", text)
    text = re.sub(r"(?i)\b(basic|bearer) [\w+/=.~-]+", r"\1 ***", text)
    return re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]*", r"\1?***", text)


def store_name(uri: str) -> str:
    """Name a store without credentials, the same in every folder."""
    file = sqlite_file(uri)
    return f"sqlite:///{file}" if file else redacted(uri)


def scheme_of(uri: str) -> str:
    """Kind of store: ``sqlite``, ``postgresql``, ``mysql``, ``mssql``, ``http`` or ``https``.

    Raises:
        UsageError: it is none of these.
    """
    scheme = uri.partition("://")[0].lower().partition("+")[0]
    if "://" not in uri or scheme not in {"sqlite", *_PORTS}:
        raise UsageError(f"'{redacted(uri)}' is no tracking URI; {_FORMS}")
    return scheme


def is_server(uri: str) -> bool:
    """True for an MLflow server, False for a database."""
    return scheme_of(uri) in ("http", "https")


def sqlite_file(uri: str) -> Path | None:
    """File of a sqlite store, absolute; None for every other store.

    Raises:
        UsageError: the address names no file.
    """
    if scheme_of(uri) != "sqlite":
        return None
    path = uri.partition("://")[2].partition("?")[0]
    # Three slashes are a path from the current folder, four an absolute one.
    if not path.startswith("/") or path in ("/", "/:memory:"):
        raise UsageError(f"'{redacted(uri)}' names no file; use sqlite:///FILE.db")
    return Path(path[1:]).absolute()


def check_answers(uri: str) -> None:
    """Connect to the host of `uri` once, so that nobody waits minutes for a dead server.

    Raises:
        UsageError: the address is malformed.
        StoreAwayError: nobody answers there.
    """
    scheme = scheme_of(uri)
    if scheme == "sqlite":
        return
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port or _PORTS[scheme]
    except ValueError:  # a port that is no number
        host, port = None, 0
    if not host:
        raise UsageError(f"'{redacted(uri)}' names no host; {_FORMS}")
    if scheme in getproxies() and not proxy_bypass(host):
        return  # only the proxy can reach it
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        raise StoreAwayError(
            f"the tracking store {redacted(uri)} does not answer at {host} port {port}; start it, "
            "or choose another with --tracking-uri"
        ) from error


def check_database(uri: str) -> None:
    """Log in once: MLflow itself tries a wrong password ten times, for minutes."""
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def artifact_folder(uri: str) -> Path:
    """Folder of the artifacts of a database: beside the sqlite file, else in the current one."""
    file = sqlite_file(uri)
    return (file.parent if file else Path.cwd()) / "mlartifacts"


@contextmanager
def impatient(seconds: int = 5) -> Iterator[None]:
    """Let MLflow give up a request after `seconds`: nothing is lost if a store is away."""
    hurry = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds),
    }
    before = {name: os.environ.get(name) for name in hurry}
    os.environ.update(hurry)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def one_line(uri: str) -> Iterator[None]:
    """Turn any error of the store into a `TrackingError` of one line, without passwords."""
    try:
        yield
    except UsageError:
        raise
    except ModuleNotFoundError as error:  # the driver of a database
        raise TrackingError(
            f"the tracking store {redacted(uri)} needs the Python package {error.name}; install it"
        ) from None
    except Exception as error:
        reason = redacted(str(error).strip().partition("\n")[0])[:300] or type(error).__name__
        status = getattr(error, "get_http_status_code", lambda: 0)()  # MLflow's own errors
        kind = StoreAwayError if is_server(uri) and status >= SERVER_ERROR else TrackingError
        raise kind(
            f"the tracking store {redacted(uri)} cannot be used ({reason}); mend it, or choose "
            "another with --tracking-uri"
        ) from None
