"""Stores of runs: their addresses, checked in seconds, and their errors without passwords."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.secrets import repeated, without_secrets

DEFAULT_URI = "sqlite:///mlflow.db"
PATIENCE = 3.0  # seconds that a server has to accept a connection
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
SERVER_ERROR = 500  # the first of HTTP's codes for "not now"
LAST_PORT = 65535
_GIVEN = "the address of the store (--tracking-uri or MLFLOW_TRACKING_URI)"
_FORMS = (
    "use sqlite:///FILE.db, postgresql://HOST/NAME or http://HOST:PORT, and in a user name or "
    "password %40 for @, %2F for /, %3F for ?, %23 for # and %20 for a blank"
)
_ADDRESS = re.compile(r"(?P<scheme>[a-z]+)(\+[a-z0-9_]{1,20})?://.*", re.I | re.S)
_PLACE = re.compile(
    r"((?P<user>[^\[\]]*)@)?(?P<host>[\w.-]+|\[[\da-f:.]+(%\w+)?\])(:(?P<port>\d{1,5})?)?", re.I
)
# Where programs differ in what they take for the host: one that is behind a path or a query, too.
_MISPLACED = re.compile(r"[/?#].*@|[\s\\\x00-\x1f\x7f]", re.S)


class TrackingError(UsageError):
    """A store cannot be used."""


class StoreAwayError(TrackingError):
    """Nobody answers at a store's address now; what was meant for it is to be kept."""


def chosen_uri(uri: str | None) -> str:
    """Return `uri`, else ``$MLFLOW_TRACKING_URI``, else a database in the current folder."""
    return (uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI).strip()


def store_name(uri: str) -> str:
    """Name a store without credentials, the same in every folder.

    Raises:
        UsageError: as `scheme_of` and `sqlite_file` do.
    """
    file = sqlite_file(uri)
    return f"sqlite:///{file}" if file else without_secrets(uri)


def naming(uri: str) -> str:
    """The option that names a store in a command; '' for the store that is taken without one."""
    return "" if uri == chosen_uri(None) else f" --tracking-uri {store_name(uri)}"


def scheme_of(uri: str) -> str:
    """Kind of store: ``sqlite``, ``postgresql``, ``mysql``, ``mssql``, ``http`` or ``https``.

    Raises:
        UsageError: it is none of these, or where it is cannot be told; the address, which may
            hold a password anywhere then, is not repeated.
    """
    match = _ADDRESS.fullmatch(uri)
    scheme = match["scheme"].lower() if match else ""
    if match is None or scheme not in {"sqlite", *_PORTS}:
        raise UsageError(f"{_GIVEN} is no tracking URI; {_FORMS}")
    if scheme != "sqlite":
        _host_and_port(uri)
    return scheme


def _host_and_port(uri: str) -> tuple[str, int]:
    """Read where a server is.

    Raises:
        UsageError: some character makes it ambiguous where the host stands.
    """
    scheme, _, rest = uri.partition("://")
    place = re.split("[/?#]", rest, maxsplit=1)[0]
    match = None if _MISPLACED.search(rest) else _PLACE.fullmatch(place)
    port = int((match and match["port"]) or _PORTS[scheme.lower().partition("+")[0]])
    if match is None or port > LAST_PORT or ("@" in (match["user"] or "") and not _is_http(scheme)):
        raise UsageError(f"{_GIVEN} names no host that can be told from the rest; {_FORMS}")
    return match["host"].strip("[]"), port


def is_server(uri: str) -> bool:
    """True for an MLflow server, False for a database."""
    return _is_http(scheme_of(uri))


def _is_http(scheme: str) -> bool:
    return scheme.lower() in ("http", "https")


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
        raise UsageError(f"{_GIVEN} names no file; use sqlite:///FILE.db")
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
    host, port = _host_and_port(uri)
    if scheme in getproxies() and not proxy_bypass(host):
        return  # only the proxy can reach it
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        raise StoreAwayError(
            f"the tracking store {store_name(uri)} does not answer at {host} port {port}; start "
            "it, or choose another with --tracking-uri"
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
            f"the tracking store {store_name(uri)} needs the Python package {error.name}; "
            "install it"
        ) from None
    except Exception as error:
        reason = repeated(str(error).strip().partition("\n")[0], uri)[:300] or type(error).__name__
        status = getattr(error, "get_http_status_code", lambda: 0)()  # MLflow's own errors
        kind = StoreAwayError if is_server(uri) and status >= SERVER_ERROR else TrackingError
        raise kind(
            f"the tracking store {store_name(uri)} cannot be used ({reason}); mend it, or choose "
            "another with --tracking-uri"
        ) from None
