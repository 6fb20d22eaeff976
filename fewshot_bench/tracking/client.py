"""MLflow's client of a store that answers."""

import logging
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from filelock import FileLock

from fewshot_bench.tracking.schema import require_current
from fewshot_bench.tracking.store import (
    StoreAwayError,
    check_answers,
    check_database,
    impatient,
    is_server,
    one_line,
    sqlite_file,
    store_name,
)
from fewshot_bench.utilities.files import atomic_file, home, require_regular, stable_hash

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient


def connect(uri: str) -> "MlflowClient":
    """Return a client of a store that answers; a new sqlite file is made complete or not at all.

    Raises:
        StoreAwayError: nobody answers there, or there is no MLflow here to ask with.
        TrackingError: the store cannot be used.
        UsageError: the address is malformed.
    """
    if find_spec("mlflow") is None:
        raise StoreAwayError(
            f"mlflow is not installed here; where it is, 'fsbench sync' sends what is owed to "
            f"{store_name(uri)}"
        )
    check_answers(uri)
    file = sqlite_file(uri)
    with one_line(uri), impatient():
        if file is not None and not file.exists():
            _create_sqlite(file)
        elif file is not None:
            require_regular(file)
            require_current(f"sqlite:///{file}")
        elif not is_server(uri):
            check_database(uri)
            require_current(uri)
        # MLflow keeps a connection for each address, whatever folder it was relative to.
        client = _client(f"sqlite:///{file}" if file else uri)
        client.search_experiments(max_results=1)
    return client


def _client(uri: str) -> "MlflowClient":
    # Set before the import: MLflow reads some of these then. Nothing may phone home.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    from mlflow import MlflowClient

    # What goes wrong is raised as well, and its log may show a password.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MlflowClient(tracking_uri=uri)


def _create_sqlite(file: "Path") -> None:
    lock = home() / "locks" / f"{stable_hash(str(file))}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not file.exists():
            with atomic_file(file) as partial:
                _client(f"sqlite:///{partial}").search_experiments(max_results=1)
