"""PostgreSQL, for the tests of stores that several processes share."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import free_port


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Address of a database of PostgreSQL's on loopback, gone afterwards."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    place = shutil.which("initdb") or (found and str(found[-1]))
    if not place:
        pytest.skip("PostgreSQL's initdb is not installed")
    tools, port = Path(place).resolve().parent, free_port()
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def call(tool: str, *arguments: str) -> None:
        # Its own output: the server would keep a pipe open for ever.
        command = [str(tools / tool), "-D", f"{name}/data", *arguments]
        subprocess.run(command, check=True, user=user, cwd=name, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if user:
            shutil.chown(name, user)
        call("initdb", "-U", "erika", "--auth=trust", "--no-sync")
        place = f"-h 127.0.0.1 -p {port} -k {name}"
        call("pg_ctl", "start", "-w", "-o", place, "-l", f"{name}/log")
        try:
            yield f"postgresql://erika@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "fast")
